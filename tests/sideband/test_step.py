"""The bootstep: only in workers of the queue `sideband`, and only with threads."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from celery.concurrency import prefork, thread

from calls import resources
from calls.sideband import loop
from calls.sideband.step import SidebandStep


def worker(*queues, pool=thread.TaskPool):
    consumed = SimpleNamespace(consume_from=dict.fromkeys(queues))
    return SimpleNamespace(app=SimpleNamespace(amqp=SimpleNamespace(queues=consumed)), pool_cls=pool, steps=[])


@pytest.fixture
def step():
    return SidebandStep.__new__(SidebandStep)


@pytest.mark.parametrize(
    ("queues", "included"), [(["sideband"], True), (["default", "sideband"], True), (["default"], False)]
)
def test_the_loop_runs_where_the_queue_is(step, queues, included):
    assert step.include_if(worker(*queues)) is included


def test_processes_are_refused_with_a_word_of_advice(step):
    with pytest.raises(SystemExit, match="-P threads"):
        step.create(worker("sideband", pool=prefork.TaskPool))


def test_the_loop_starts_and_stops_with_the_worker(step, monkeypatch):
    done = []

    class Loop:
        def start(self):
            done.append("start")

        def stop(self):
            done.append("stop")

    monkeypatch.setattr(loop, "SidebandLoop", Loop)
    monkeypatch.setattr(resources, "settle", lambda: done.append("settle"))
    given = worker("sideband")
    assert isinstance(step.create(given), Loop)
    step.start(given)
    step.stop(given)
    step.terminate(given)
    assert done == ["start", "settle", "stop", "stop"]
