"""The writer: keeps what it cannot store yet, and lets no call's bad row spoil the others."""

from __future__ import annotations

import asyncio
import time

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from calls.actions.ingest import Stored
from calls.sideband import backlog, writer
from tests.sideband.desk import at, turn, until
from tests.sideband.writing import ref, texts

pytestmark = pytest.mark.asyncio


async def test_changes_of_a_call_are_one_batch_in_their_order(pen, stored, told):
    pen.put(ref(), [turn(text="a")], {"floor": "speaking"})
    pen.put(ref(2), [turn(text="x")], {})
    pen.put(ref(), [turn(text="b"), turn(text="c")], {"floor": "listening", "reply_ms": 5})
    assert await pen.flush()
    [[first, second]] = stored.batches
    assert [change.turn.text for change in first[2]] == ["a", "b", "c"]
    assert first[3] == {"floor": "listening", "reply_ms": 5}
    assert second[0] == 2
    assert told.told == [("g", {"n": 1})]
    assert await pen.flush()
    assert len(stored.batches) == 1


async def test_oddities_are_added_up_not_overwritten(pen, stored):
    for odd in (1, 2):
        pen.put(ref(), (), {"oddities": odd})
    stored.failures.append(psycopg.OperationalError("away"))
    assert not await pen.flush()
    pen.put(ref(), (), {"oddities": 4})
    assert await pen.flush()
    assert [kept[0][3] for kept in stored.batches] == [{"oddities": 3}, {"oddities": 4}]


@pytest.mark.parametrize("failure", [psycopg.OperationalError("away"), PoolTimeout("busy")])
async def test_a_database_that_is_away_costs_nothing_but_waiting(pen, stored, told, failure):
    pen.put(ref(), [turn(text="a")], {"floor": "speaking", "reply_ms": 1})
    stored.failures += [failure, failure]
    assert not await pen.flush()
    pen.put(ref(), [turn(text="b")], {"floor": "listening"})
    assert not await pen.flush()
    assert told.told == []
    assert await pen.flush()
    assert stored.texts() == ["a", "b"]
    assert [kept[0][3] for kept in stored.batches] == [{"floor": "speaking", "reply_ms": 1}, {"floor": "listening"}]


@pytest.mark.parametrize(
    "failure",
    [
        psycopg.errors.ReadOnlySqlTransaction(),
        psycopg.errors.IdleInTransactionSessionTimeout(),
        psycopg.errors.UndefinedTable(),
        psycopg.errors.InsufficientPrivilege(),
        psycopg.InterfaceError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_fault_of_the_server_is_not_taken_out_on_what_was_said(pen, stored, failure):
    stored.failures = [failure]
    pen.put(ref(), [turn("item_1", text="kept")], {})
    assert not await pen.flush()
    assert await pen.flush()
    assert stored.texts() == ["kept"]


async def test_a_long_outage_is_caught_up_in_small_transactions(pen, stored, monkeypatch):
    monkeypatch.setattr(writer, "FLUSH_LIMIT", 10)
    for number in range(1, 4):
        pen.put(
            ref(number), [turn(f"i{part}", text=f"{number}.{part:02}") for part in range(12)], {"floor": f"f{number}"}
        )
    assert pen.waiting == 36
    assert await pen.flush()
    assert pen.waiting == 0
    assert all(sum(len(changes) for _, _, changes, _ in kept) <= 10 for kept in stored.batches)
    for number in range(1, 4):
        of_call = [text for text in stored.texts() if text.startswith(str(number))]
        assert of_call == [f"{number}.{part:02}" for part in range(12)]
    last = {call: columns for kept in stored.batches for call, _, _, columns in kept if columns}
    assert last == {number: {"floor": f"f{number}"} for number in range(1, 4)}


async def test_the_loop_tries_again_until_the_database_is_back(pen, stored):
    stored.failures += [psycopg.OperationalError("away")] * 5
    work = asyncio.create_task(pen.run())
    pen.put(ref(), [turn(text="a")], {})
    await until(lambda: stored.batches)
    work.cancel()
    assert stored.texts() == ["a"]


async def test_columns_alone_may_wait_but_not_for_ever(pen, stored, monkeypatch):
    monkeypatch.setattr(backlog, "COLUMNS_EVERY_S", 0.5)
    work = asyncio.create_task(pen.run())
    pen.put(ref(), (), {"floor": "speaking"})
    await asyncio.sleep(0)
    assert stored.batches == []
    await until(lambda: stored.batches)
    work.cancel()


async def test_columns_alone_wait_for_an_entry_of_their_call_and_go_with_it(pen, stored):
    soon = time.monotonic() + backlog.COLUMNS_EVERY_S / 2
    pen.put(ref(1), (), {"floor": "speaking"})
    pen.put(ref(2), (), {"floor": "speaking"})
    pen.put(ref(2), [turn(text="a")], {"reply_ms": 5})
    pen.put(ref(2), (), {"floor": "listening"})
    assert await pen.flush(due=soon)
    assert [(call, columns) for [(call, _, _, columns)] in stored.batches] == [
        (2, {"floor": "listening", "reply_ms": 5})
    ]
    assert await pen.flush(due=soon + 100 * backlog.COLUMNS_EVERY_S)
    assert stored.batches[1:] == [[(1, 1, [], {"floor": "speaking"})]]


async def test_columns_that_came_while_the_database_was_away_are_stored_after_the_older_ones(pen, stored):
    stored.gate = asyncio.Event()
    stored.failures.append(psycopg.OperationalError("away"))
    pen.put(ref(), [turn(text="a")], {"floor": "speaking"})
    flush = asyncio.create_task(pen.flush())
    await until(lambda: pen._sealed)
    pen.put(ref(), (), {"floor": "listening"})
    stored.gate.set()
    assert not await flush
    assert await pen.flush(due=0)
    assert stored.batches == [[(1, 1, [turn(text="a")], {"floor": "speaking"})]]
    assert await pen.flush()
    assert stored.batches[1:] == [[(1, 1, [], {"floor": "listening"})]]


async def test_when_the_provider_was_heard_is_stored_with_the_rest(pen, stored):
    one = ref()
    one.heard_at = at(1)
    pen.heard(one)
    assert await pen.flush(due=time.monotonic())
    assert stored.batches == []
    one.heard_at = at(2)
    pen.heard(one)
    pen.put(one, [turn()], {})
    assert await pen.flush(due=time.monotonic())
    assert stored.batches == [[(1, 1, [turn()], {"last_event_at": at(2)})]]
    one.heard_at = at(3)
    pen.heard(one)
    assert await pen.flush()
    assert stored.batches[1] == [(1, 1, [], {"last_event_at": at(3)})]


async def test_a_poisonous_batch_is_dropped_alone(pen, stored, caplog):
    stored.poison.add(2)
    for number in (1, 2, 3):
        pen.put(ref(number), [turn(text=str(number))], {})
    assert await pen.flush()
    assert stored.texts() == ["1", "3"]
    assert "cannot be stored" in caplog.text
    pen.put(ref(2), [turn(text="later")], {})
    stored.poison.clear()
    assert await pen.flush()
    assert stored.texts() == ["1", "3", "later"]


async def test_text_that_is_no_text_poisons_only_its_own_call(pen, told, fenced, monkeypatch):
    """A lone surrogate cannot be encoded at all: that is no error of the database's."""
    monkeypatch.undo()
    kept = []

    async def encode(connection, owner, batches, follows):
        for batch in batches:
            batch.changes[0].turn.text.encode()
        kept.extend(batch.ref.id for batch in batches)
        return Stored(set(), [])

    monkeypatch.setattr(writer, "store", encode)
    for number, text in ((1, "fine"), (2, "\ud800"), (3, "fine")):
        pen.put(ref(number), [turn(text=text)], {})
    assert await pen.flush()
    assert kept == [1, 3]


async def test_the_database_going_away_among_the_single_ones_loses_nothing(pen, stored):
    for number in (1, 2):
        pen.put(ref(number), [turn(text=str(number))], {})
    stored.failures += [psycopg.DataError("one of them"), psycopg.OperationalError("away")]
    await pen.flush()
    await pen.flush()
    assert sorted(stored.texts()) == ["1", "2"]


async def test_a_stop_in_the_middle_of_storing_keeps_everything_for_the_last_flush(pen, stored):
    stored.gate = asyncio.Event()
    work = asyncio.create_task(pen.run())
    pen.put(ref(), [turn(text="a")], {})
    await until(lambda: pen._sealed)
    pen.put(ref(), [turn(text="b")], {})
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    stored.gate.set()
    assert await pen.flush()
    assert stored.texts() == ["a", "b"]


async def test_the_owner_is_told_which_lease_was_fenced(pen, stored, fenced):
    stored.fenced = {2}
    pen.put(ref(1), [turn()], {})
    pen.put(ref(2, epoch=4), [turn()], {})
    await pen.flush()
    assert [(one.id, one.epoch) for one in fenced] == [(2, 4)]


async def test_changes_under_a_new_lease_do_not_go_down_with_those_of_the_old_one(pen, stored):
    """The database was away, the lease ran out, and this same process took the call again."""
    pen.put(ref(epoch=1), [turn(text="old")], {"floor": "speaking"})
    stored.failures.append(psycopg.OperationalError("away"))
    assert not await pen.flush()
    pen.put(ref(epoch=2), [turn(text="new")], {})
    await pen.flush()
    assert [(kept[0][1], texts(kept)) for kept in stored.batches] == [(1, ["old"]), (2, ["new"])]


@pytest.mark.parametrize(
    "fault", [RuntimeError("a fault of ours"), KeyError("x")], ids=lambda error: type(error).__name__
)
async def test_a_fault_of_ours_holds_nobody_up_for_ever(pen, stored, fault):
    pen.put(ref(1), [turn(text="a")], {})
    stored.failures += [fault, fault]
    assert await pen.flush()
    pen.put(ref(2), [turn(text="b")], {})
    assert await pen.flush()
    assert stored.texts() == ["b"]


async def test_what_is_perhaps_stored_is_given_again_exactly_as_it_was(pen, stored):
    pen.put(ref(), [turn(text="a")], {"floor": "speaking"})
    pen.put(ref(2), [turn(text="x")], {})
    stored.lose_answer = True
    assert not await pen.flush()
    pen.put(ref(), [turn(text="b")], {"floor": "listening"})
    assert await pen.flush()
    await pen.flush()
    assert stored.batches[0] == stored.batches[1]
    assert [texts(kept) for kept in stored.batches] == [["a", "x"], ["a", "x"], ["b"]]
    assert stored.numbers == [[1, 1], [1, 1], [2]]


async def test_a_batch_that_comes_back_does_not_replace_that_of_a_newer_lease(pen, stored):
    stored.gate = asyncio.Event()
    stored.failures.append(psycopg.OperationalError("away"))
    pen.put(ref(epoch=1), [turn(text="old")], {})
    flush = asyncio.create_task(pen.flush())
    await until(lambda: pen._sealed)
    pen.put(ref(epoch=2), [turn(text="new")], {})
    stored.gate.set()
    assert not await flush
    await pen.flush()
    assert [(kept[0][1], texts(kept)) for kept in stored.batches] == [(1, ["old"]), (2, ["new"])]
