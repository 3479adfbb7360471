"""Processes that hold no calls: their rows are made once and kept fresh."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from calls.actions import processes
from calls.actions.processes import Heart, beat
from calls.models import Worker
from tests.sideband.desk import as_owner


@pytest.mark.django_db
def test_a_beat_makes_the_row_and_then_refreshes_it():
    owner = uuid4()
    beat(owner, "web", {"sockets": 1})
    before = Worker.objects.get()
    beat(owner, "web", {"sockets": 2})
    after = Worker.objects.get()
    assert (after.kind, after.lock_key, after.slots, after.counters) == ("web", 0, 0, {"sockets": 2})
    assert after.started_at == before.started_at
    assert after.seen_at >= before.seen_at


def test_a_heart_beats_until_it_is_stopped_and_outlives_what_cannot_be_stored(committed_db, monkeypatch):
    monkeypatch.setattr(processes, "BEAT_S", 0.02)
    counts = iter(range(10_000))
    heart = Heart("web", lambda: {"sockets": next(counts)})
    as_owner(committed_db, "alter table calls_worker rename to calls_worker_away")
    try:
        heart.start()
        time.sleep(0.1)
    finally:
        as_owner(committed_db, "alter table calls_worker_away rename to calls_worker")
    deadline = time.monotonic() + 30
    seen = set()
    while len(seen) < 3 and time.monotonic() < deadline:
        seen |= {row["sockets"] for (row,) in as_owner(committed_db, "select counters from calls_worker")}
        time.sleep(0.02)
    heart.stop()
    assert len(seen) >= 3
