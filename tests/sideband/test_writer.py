"""The writer: keeps what it cannot store yet, and lets no call's bad row spoil the others."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import psycopg
import pytest
import pytest_asyncio
from psycopg_pool import PoolTimeout

from calls.actions.ingest import CallRef, Stored
from calls.domain.changes import CallStateChanged, GapRecorded, NoteAdded
from calls.domain.states import CallState
from calls.sideband import backlog, database, spool, writer
from calls.sideband.spool import Leftover, Spool
from calls.sideband.writer import Writer
from tests import factories
from tests.sideband.desk import at, connected, fetch, hold, run_out, turn, until

pytestmark = pytest.mark.asyncio


def ref(number=1, epoch=1):
    return CallRef(number, UUID(int=number), UUID(int=99), "e", epoch)


class Away:
    """A pool that lends nothing real."""

    @asynccontextmanager
    async def connection(self):
        yield None


class Store:
    """In place of ingest.store: fails as told, else keeps what it is given."""

    def __init__(self, monkeypatch):
        self.failures = []
        self.poison = set()
        self.batches = []
        self.fenced = set()
        self.gate = None
        self.numbers = []
        self.lose_answer = False
        monkeypatch.setattr(writer, "store", self.store)

    async def store(self, connection, owner, batches, follows):
        if self.gate:
            await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        for batch in batches:
            if batch.ref.id in self.poison:
                raise psycopg.DataError("poison")
        kept = [(batch.ref.id, batch.ref.epoch, list(batch.changes), dict(batch.columns)) for batch in batches]
        self.batches.append(kept)
        self.numbers.append([batch.flush for batch in batches])
        if self.lose_answer:
            self.lose_answer = False
            raise psycopg.OperationalError("the answer to the commit is lost")
        return Stored({batch.ref.id for batch in batches} & self.fenced, [("g", {"n": len(self.batches)})])

    def texts(self):
        return [text for kept in self.batches for text in texts(kept)]


def texts(kept):
    return [change.turn.text for _, _, changes, _ in kept for change in changes]


class Told:
    def __init__(self):
        self.told = []

    def follows(self, group):
        return True

    def put(self, group, message):
        self.told.append((group, message))


@pytest.fixture
def stored(monkeypatch):
    monkeypatch.setattr(writer, "RETRY_S", (0.01,))
    return Store(monkeypatch)


@pytest.fixture
def fenced():
    return []


@pytest.fixture
def told():
    return Told()


@pytest_asyncio.fixture
async def make(tmp_path, told, fenced):
    """A writer with this pool, and a spool of so many bytes."""
    made = []

    def writer_of(pool, *, owner=None, limit=2**20):
        owner = owner or uuid4()
        made.append(Writer(pool, owner, 0.005, told, fenced.append, Spool(tmp_path / "spool", owner, limit)))
        return made[-1]

    yield writer_of
    for one in made:
        await one.close()


@pytest.fixture
def pen(stored, make):
    return make(Away())


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


@pytest.fixture
def small(monkeypatch):
    """The process keeps ten changes in memory, a call five."""
    monkeypatch.setattr(backlog, "CHANGES", 10)
    monkeypatch.setattr(backlog, "CALL_CHANGES", 5)


@asynccontextmanager
async def relieved(pen):
    task = asyncio.create_task(pen.relieve())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def talk(pen, texts, *, number=1, columns=None):
    for text in texts:
        pen.put(ref(number), [turn(f"item_{text}", text=text)], columns or {})


async def test_what_memory_does_not_hold_goes_to_the_disk_and_comes_back_in_order(pen, stored, small, tmp_path, told):
    stored.failures += [psycopg.OperationalError("away")] * 2
    talk(pen, "a")
    assert not await pen.flush()
    async with relieved(pen):
        talk(pen, "bcdef", columns={"floor": "speaking"})
        reader = asyncio.create_task(pen.room())
        await until(lambda: pen.spool.changes == 5)
        await asyncio.wait_for(reader, 30)
        talk(pen, "xy", number=2)
        talk(pen, "gh")
        [path] = (tmp_path / "spool").glob("*.spool")
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert (pen.waiting, path.stat().st_size) == (10, pen.spool.bytes)
        assert not await pen.flush()
        assert told.told == []
        assert await pen.flush()
    of_first = [text for text in stored.texts() if text in "abcdefgh"]
    assert of_first == [*"abcdefgh"]
    assert sorted(stored.texts()) == sorted("abcdefghxy")
    numbers = [number for [number, *_] in stored.numbers]
    assert numbers == sorted(numbers)
    assert (pen.waiting, pen.dropped, pen.spool.bytes, list(path.parent.iterdir())) == (0, 0, 0, [])


async def test_an_answer_that_was_noted_holds_for_what_comes_back_from_the_disk(pen, stored, small):
    """The reference of a call is the runner's own, not a copy."""
    stored.failures.append(psycopg.OperationalError("away"))
    talk(pen, "a")
    assert not await pen.flush()
    own = ref(2)
    async with relieved(pen):
        pen.put(own, [turn(text=str(number)) for number in range(5)], {})
        await until(lambda: pen.spool.changes)
    seen = []
    real = writer.store

    async def store(connection, owner, batches, follows):
        seen.extend(batch.ref for batch in batches)
        return await real(connection, owner, batches, follows)

    writer.store = store
    try:
        assert await pen.flush()
    finally:
        writer.store = real
    assert any(one is own for one in seen)


async def test_where_the_disk_takes_nothing_the_least_valuable_goes_and_a_gap_says_so(stored, small, make, caplog):
    pen = make(Away(), limit=100)
    stored.failures.append(psycopg.OperationalError("away"))
    talk(pen, "a")
    assert not await pen.flush()
    async with relieved(pen):
        pen.put(ref(), [NoteAdded("keypad", at(one), {"key": "5"}) for one in range(3)], {})
        talk(pen, "bc")
        await until(lambda: pen.dropped)
        await asyncio.wait_for(pen.room(), 30)
    assert pen.dropped == 2
    assert await pen.flush()
    kept = [change for batches in stored.batches[1:] for _, _, changes, _ in batches for change in changes]
    assert kept[0] == GapRecorded(at(0), at(1), "not_stored")
    assert [type(change).__name__ for change in kept] == ["GapRecorded", "NoteAdded", "TurnChanged", "TurnChanged"]
    assert "the spool takes nothing" in caplog.text


async def test_a_disk_that_hangs_holds_nobody_up(stored, small, make, monkeypatch):
    monkeypatch.setattr(writer, "DISK_LIMIT_S", 0.05)
    pen = make(Away())
    go = threading.Event()
    monkeypatch.setattr(spool.os, "fsync", lambda _: go.wait(30))
    stored.failures.append(psycopg.OperationalError("away"))
    talk(pen, "a")
    assert not await pen.flush()
    async with relieved(pen):
        talk(pen, "bcdefghij")
        await asyncio.wait_for(pen.room(), 30)
        assert pen.dropped
    assert pen.spool.changes == 0
    go.set()
    monkeypatch.setattr(writer, "DISK_LIMIT_S", 5)
    assert await pen.flush()
    kept = [change for batches in stored.batches for _, _, changes, _ in batches for change in changes]
    assert [change.turn.text for change in kept if not isinstance(change, GapRecorded)] == [*"ahij"]


async def test_a_stop_in_the_middle_of_the_writing_loses_and_doubles_nothing(pen, stored, small, monkeypatch):
    go = threading.Event()
    monkeypatch.setattr(spool.os, "fsync", lambda _: go.wait(30))
    stored.failures.append(psycopg.OperationalError("away"))
    talk(pen, "a")
    assert not await pen.flush()
    async with relieved(pen):
        talk(pen, "bcdef")
        await asyncio.sleep(0.05)
    go.set()
    assert await pen.flush()
    assert stored.texts() == [*"abcdef"]


async def test_a_part_of_the_file_that_cannot_be_read_becomes_a_gap(pen, stored, small, tmp_path, caplog):
    stored.failures.append(psycopg.OperationalError("away"))
    talk(pen, "a")
    assert not await pen.flush()
    async with relieved(pen):
        talk(pen, "bcdef")
        await until(lambda: pen.spool.changes)
    [path] = (tmp_path / "spool").glob("*.spool")
    path.write_bytes(b"\0" * path.stat().st_size)
    talk(pen, "g")
    assert await pen.flush()
    assert pen.dropped == 5
    [[_, _, [gap], columns]] = stored.batches[1]
    assert (gap.cause, columns) == ("not_stored", {"usage_incomplete": True})
    assert texts(stored.batches[2]) == ["g"]


async def test_what_could_not_be_stored_before_the_end_is_kept_for_the_next_process(pen, stored, tmp_path):
    stored.failures += [psycopg.OperationalError("away")]
    talk(pen, "a")
    assert not await pen.flush()
    talk(pen, "b")
    assert await pen.keep() == 2
    assert list(Leftover.find(tmp_path / "spool")) == []  # its owner lives
    pen.spool.close()
    [left] = Leftover.find(tmp_path / "spool")
    groups = list(left.groups())
    assert [batch.changes[0].turn.text for [batch] in groups] == ["a", "b"]
    assert [batch.flush for [batch] in groups] == [1, 2]
    left.remove()
    assert list((tmp_path / "spool").iterdir()) == []


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


@pytest_asyncio.fixture
async def pool(committed_db):
    async with database.pool("test", 2) as pool:
        yield pool


async def test_on_the_real_database_a_row_too_wide_costs_only_its_own_call(pool, acme, told, fenced, make):
    calls = [await asyncio.to_thread(factories.make_call, acme) for _ in range(3)]
    owner = uuid4()
    pen = make(pool, owner=owner)
    async with connected() as hot:
        refs = [await hold(hot, call, owner) for call in calls]
        for one, item_id in zip(refs, ("item_1", "i" * 300, "item_3"), strict=True):
            pen.put(one, [turn(item_id)], {})
        assert await pen.flush()
        assert await fetch(hot, "select item_id from calls_turn order by 1") == [("item_1",), ("item_3",)]
        pen.put(refs[1], [turn("item_2")], {})
        assert await pen.flush()
        assert await fetch(hot, "select count(*) from calls_turn") == [(3,)]
    assert len(told.told) == 3
    assert fenced == []


async def test_on_the_real_database_a_commit_whose_answer_was_lost_is_not_doubled(
    pool, acme, fenced, make, monkeypatch
):
    """Notes have no key of their own: stored again they would stand there twice."""
    calls = [await asyncio.to_thread(factories.make_call, acme) for _ in range(2)]
    owner = uuid4()
    pen = make(pool, owner=owner)
    lost = []

    async def store(connection, *args, **kwargs):
        stored = await writer_store(connection, *args, **kwargs)
        if not lost:
            lost.append(stored)
            raise psycopg.OperationalError("the answer to the commit is lost")
        return stored

    writer_store = writer.store
    monkeypatch.setattr(writer, "store", store)
    async with connected() as hot:
        refs = [await hold(hot, call, owner) for call in calls]
        pen.put(refs[0], [NoteAdded("keypad", at(1), {"key": "5"})], {"oddities": 1})
        pen.put(refs[1], [CallStateChanged(CallState.ENDED, at(9))], {})
        assert not await pen.flush()
        pen.put(refs[0], [NoteAdded("keypad", at(2), {"key": "6"})], {"oddities": 1})
        assert await pen.flush()
        await pen.flush()
        keys = await fetch(hot, "select seq, body #>> '{body,key}' from calls_callevent where kind = 'note' order by 1")
        assert [key for _, key in keys] == ["5", "6"]
        assert [seq for seq, _ in keys] == [1, 2]
        assert await fetch(hot, "select last_seq, oddities, flush from calls_call order by id") == [
            (2, 2, 2),
            (1, 0, 1),
        ]
    assert fenced == []


async def test_on_the_real_database_a_lost_lease_is_told(pool, acme, told, fenced, committed_db, make):
    call = await asyncio.to_thread(factories.make_call, acme)
    owner = uuid4()
    pen = make(pool, owner=owner)
    async with connected() as hot:
        mine = await hold(hot, call, owner)
        run_out(committed_db)
        await hold(hot, call, uuid4())
        pen.put(replace(mine), [turn()], {})
        assert await pen.flush()
        assert await fetch(hot, "select 1 from calls_turn") == []
    assert [one.id for one in fenced] == [call.pk]
    assert told.told == []
