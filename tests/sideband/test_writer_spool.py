"""What the writer cannot keep in memory goes to a file, and comes back in the order in which it was heard."""

from __future__ import annotations

import asyncio
import threading

import psycopg
import pytest

from calls.domain.changes import GapRecorded, NoteAdded
from calls.sideband import spool, writer
from calls.sideband.spool import Leftover
from tests.sideband.desk import at, turn, until
from tests.sideband.writing import Away, ref, relieved, talk, texts

pytestmark = pytest.mark.asyncio


async def test_what_memory_does_not_hold_goes_to_the_disk_and_comes_back_in_order(pen, stored, small, tmp_path, told):
    stored.failures += [psycopg.OperationalError("away")] * 2
    talk(pen, "a")
    assert not await pen.flush()
    async with relieved(pen):
        talk(pen, "bcdef", columns={"floor": "speaking"})
        reader = asyncio.create_task(pen.room())
        await until(lambda: pen.spool.changes == 6)
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


async def test_the_file_begins_with_what_was_being_tried_lest_it_dies_with_the_process(pen, stored, small, tmp_path):
    stored.failures.append(psycopg.OperationalError("away"))
    talk(pen, "a")
    assert not await pen.flush()
    async with relieved(pen):
        talk(pen, "bcdef")
        await until(lambda: pen.spool.changes)
    pen.spool.close()  # as when the process is killed
    [left] = Leftover.find(tmp_path / "spool")
    groups = list(left.groups())
    assert [change.turn.text for group in groups for batch in group for change in batch.changes] == [*"abcdef"]
    assert [batch.flush for [batch] in groups] == [1, 2]
    left.leave()


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
