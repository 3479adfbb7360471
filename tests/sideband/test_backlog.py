"""What waits in memory: in order, counted, bounded. The order within a flush is shown by test_writer.py."""

from __future__ import annotations

from uuid import UUID

import pytest

from calls.actions.ingest import CallRef
from calls.sideband import backlog
from calls.sideband.backlog import Backlog
from tests.sideband.desk import at, turn


def ref(number=1, epoch=1):
    return CallRef(number, UUID(int=number), UUID(int=99), "e", epoch)


def words(*texts):
    return [turn(f"item_{text}", text=text) for text in texts]


def taken(kept, most=100):
    return [
        (batch.ref.id, [change.turn.text for change in batch.changes], batch.columns) for batch in kept.take(most, 1)
    ]


def test_it_counts_what_it_holds():
    kept = Backlog()
    kept.add(ref(1), words("a", "b"), {})
    kept.add(ref(2), words("c"), {})
    assert kept.changes == 3
    assert kept.bytes > 3 * 700
    kept.take(2, 1)
    assert kept.changes == 1
    kept.add(ref(2, epoch=2), words("d"), {})  # what waited under the older lease is gone
    assert kept.changes == 1
    assert taken(kept) == [(2, ["d"], {})]
    assert (kept.changes, kept.bytes) == (0, 0)


def test_what_is_put_back_is_older_than_what_came_meanwhile():
    kept = Backlog()
    kept.add(ref(1), words("a"), {"floor": "speaking", "reply_ms": 1})
    kept.add(ref(2), words("x"), {})
    batches = kept.take(100, 7)
    kept.add(ref(1), words("b"), {})
    kept.add(ref(2, epoch=2), words("y"), {})
    kept.add(ref(3), (), {"floor": "listening"})
    kept.put_back(batches)
    assert kept.changes == 3
    kept.ripen(1e18)
    assert taken(kept) == [
        (1, ["a", "b"], {"floor": "speaking", "reply_ms": 1}),
        (2, ["y"], {}),
        (3, [], {"floor": "listening"}),
    ]


def test_columns_that_came_meanwhile_win_over_those_that_are_put_back():
    kept = Backlog()
    kept.add(ref(), words("a"), {"floor": "speaking"})
    batches = kept.take(100, 7)
    kept.add(ref(), (), {"floor": "listening"})
    kept.put_back(batches)
    assert taken(kept) == [(1, ["a"], {"floor": "listening"})]


@pytest.mark.parametrize(
    ("bound", "least"), [("CALL_CHANGES", 4), ("CHANGES", 4), ("CALL_BYTES", 4 * 700), ("BYTES", 4 * 700)]
)
def test_each_bound_crowds_it_and_taking_all_relieves_it(monkeypatch, bound, least):
    monkeypatch.setattr(backlog, bound, least)
    kept = Backlog()
    kept.add(ref(), words("a", "b", "c"), {})
    assert not kept.crowded
    kept.add(ref(), words("d"), {})
    assert kept.crowded
    kept.take(100, 1)
    assert not kept.crowded


def test_shedding_takes_from_the_call_that_is_full_and_from_no_other(monkeypatch):
    monkeypatch.setattr(backlog, "CALL_CHANGES", 8)
    kept = Backlog()
    kept.add(ref(1), words("a"), {})
    kept.add(ref(2), words(*"bcdefghi"), {})
    assert kept.relieve() == 2
    assert not kept.crowded
    assert kept.changes == 1 + 6 + 1  # and the gap
    [first, second] = kept.take(100, 1)
    assert first.changes == words("a")
    assert [change.cause for change in second.changes[:1]] == ["not_stored"]


def test_where_the_process_is_full_everybody_sheds_alike(monkeypatch):
    monkeypatch.setattr(backlog, "CHANGES", 16)
    kept = Backlog()
    kept.add(ref(1), words(*"abcd"), {})
    kept.add(ref(2), words(*"efghijklmnop"), {})
    assert kept.relieve() == 1 + 3
    assert kept.changes < 16


def test_the_last_time_that_the_provider_was_heard_goes_along():
    kept, one = Backlog(), ref()
    kept.heard(one)
    assert kept.take(100, 1) == []
    kept.add(one, words("a"), {})
    one.heard_at = at(5)
    assert taken(kept) == [(1, ["a"], {"last_event_at": at(5)})]


def test_a_call_that_keeps_something_back_was_not_heard_until_now():
    """Else what is lost of it afterwards would lie before the gap that tells so."""
    kept = Backlog()
    one = ref(1)
    one.heard_at = at(9)
    kept.add(one, words("a", "b"), {})
    assert taken(kept, most=1) == [(1, ["a"], {})]
    assert taken(kept) == [(1, ["b"], {"last_event_at": at(9)})]
