"""The loop's thread: it starts, takes nudges from other threads, and hands over when it is told to stop."""

from __future__ import annotations

import time

import pytest
from django.utils import timezone

from calls.models import Call, Worker
from calls.sideband import supervisor
from calls.sideband.loop import SidebandLoop
from calls.tenancy import tenant_scope
from tests import factories


@pytest.fixture
def running(committed_db, monkeypatch):
    monkeypatch.setattr(supervisor, "SWEEP_S", 3600.0)
    monkeypatch.setattr(SidebandLoop, "current", None)
    one = SidebandLoop()
    one.start()
    yield one
    one.stop()


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_nudge_reaches_the_loop_and_a_stop_ends_it(acme, running):
    assert SidebandLoop.current is running
    wait_for(Worker.objects.exists)
    call = factories.make_call(acme, state="ringing", started_at=timezone.now())
    running.attach(call.pk)

    def turned_away():
        with tenant_scope(acme.id):
            return Call.objects.get().state == "refused"

    wait_for(turned_away)  # no agent answers this number
    running.stop()
    assert not running._thread.is_alive()
    assert not Worker.objects.exists()


def test_a_nudge_before_the_start_or_after_the_end_is_nothing(running):
    SidebandLoop().attach(1)
    running.stop()
    running.attach(1)
    assert not running._thread.is_alive()


def test_a_loop_that_fails_says_so(monkeypatch, caplog):
    class Broken:
        async def run(self):
            raise RuntimeError("no database")

    monkeypatch.setattr(supervisor, "Supervisor", Broken)
    monkeypatch.setattr(SidebandLoop, "current", None)
    one = SidebandLoop()
    one.start()
    one._thread.join(30)
    assert "watches no calls any more" in caplog.text
