"""The writer and its disk: what is written while the last of the file is stored, and what fails."""

from __future__ import annotations

import asyncio
import threading
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio

from calls.sideband import backlog, spool
from calls.sideband.spool import Leftover, Spool
from calls.sideband.writer import Writer
from tests.sideband.desk import turn, until
from tests.sideband.writing import Away, Store, Told, ref, relieved, talk

pytestmark = pytest.mark.asyncio


@pytest.fixture
def store(monkeypatch):
    monkeypatch.setattr(backlog, "CALL_CHANGES", 3)
    return Store(monkeypatch)


@pytest_asyncio.fixture
async def pen(store, tmp_path):
    owner = uuid4()
    one = Writer(Away(), owner, 0.005, Told(), lambda _: None, Spool(tmp_path, owner, 10**6))
    yield one
    await one.close()


async def test_what_is_written_while_the_last_of_the_file_is_stored_stays_in_the_file(pen, store, monkeypatch):
    store.failures.append(psycopg.OperationalError("away"))
    talk(pen, "a")
    assert not await pen.flush()
    async with relieved(pen):
        talk(pen, "bcd")
        await until(lambda: pen.spool.changes == 4)
        go, sync = threading.Event(), spool.os.fsync
        monkeypatch.setattr(spool.os, "fsync", lambda file: go.wait(30) and sync(file))
        # The first part of the file is being stored …
        store.gate = asyncio.Event()
        flush = asyncio.create_task(pen.flush())
        await until(lambda: pen._sealed)
        # … while more goes to it.
        talk(pen, "efg")
        await asyncio.sleep(0.05)
        store.gate.set()
        await asyncio.sleep(0.05)
        go.set()
        assert await flush
        await until(lambda: pen._crowded.is_set() is False)
        assert await pen.flush()
    assert store.texts() == [*"abcdefg"]
    assert (pen.waiting, pen.dropped, bool(pen.spool)) == (0, 0, False)


async def test_what_is_being_stored_while_it_is_written_is_stored_once(pen, store):
    store.gate = asyncio.Event()
    talk(pen, "a")
    flush = asyncio.create_task(pen.flush())
    async with relieved(pen):
        await until(lambda: pen._sealed)
        talk(pen, "bcd")
        await until(lambda: pen.spool.changes == 4)
        assert pen.waiting == 4
        store.gate.set()
        assert await flush
        assert await pen.flush()
    assert list(zip(store.numbers, store.texts(), strict=False)) == [([1], "a"), ([2], "b")]
    assert (store.texts(), pen.waiting, pen.dropped, bool(pen.spool)) == ([*"abcd"], 0, 0, False)


async def test_what_is_stored_before_it_is_written_is_given_again_under_its_number(pen, store, monkeypatch):
    go, sync = threading.Event(), spool.os.fsync
    monkeypatch.setattr(spool.os, "fsync", lambda file: go.wait(30) and sync(file))
    store.gate = asyncio.Event()
    talk(pen, "a")
    flush = asyncio.create_task(pen.flush())
    async with relieved(pen):
        await until(lambda: pen._sealed)
        talk(pen, "bcd")
        await until(lambda: not pen.roomy and not pen._backlog.changes)
        store.gate.set()
        await until(lambda: store.numbers == [[1]])
        go.set()
        assert await flush
        assert await pen.flush()
    assert store.numbers == [[1], [1], [2]]
    assert (store.texts(), pen.waiting, pen.dropped, bool(pen.spool)) == ([*"aabcd"], 0, 0, False)


async def test_a_group_of_which_nothing_can_be_written_leaves_nothing_in_the_file(pen, store):
    store.failures.append(psycopg.OperationalError("away"))
    talk(pen, "a")
    assert not await pen.flush()
    async with relieved(pen):
        pen.put(ref(2), [turn(text="\ud800")] * 3, {})
        await until(lambda: pen.dropped == 3)
        talk(pen, "b")
        assert await pen.flush()
    assert store.texts() == ["a", "b"]
    assert pen.waiting == 0


async def test_columns_alone_come_back_from_the_file_too(pen, store):
    store.failures.append(psycopg.OperationalError("away"))
    talk(pen, "a")
    assert not await pen.flush()
    pen.put(ref(2), (), {"floor": "speaking"})
    assert not pen.spool
    await pen.keep()
    pen._backlog.ripen(float("inf"))
    assert await pen.flush()
    assert not pen.spool
    [found] = [columns for kept in store.batches for call, _, _, columns in kept if call == 2]
    assert found == {"floor": "speaking"}


async def test_a_disk_that_fails_while_the_file_is_read_counts_as_not_flushed(pen, store, monkeypatch, caplog):
    store.failures.append(psycopg.OperationalError("away"))
    talk(pen, "a")
    assert not await pen.flush()
    async with relieved(pen):
        talk(pen, "bcd")
        await until(lambda: pen.spool.changes == 4)
    real = pen.spool.forget_first

    def broken():
        raise OSError(5, "the disk is broken")

    monkeypatch.setattr(pen.spool, "forget_first", broken)
    assert not await pen.flush()
    assert "the spool does not answer" in caplog.text
    monkeypatch.setattr(pen.spool, "forget_first", real)
    assert await pen.flush()
    assert store.numbers == [[1], [1], [2]], "given again under the same number"


async def test_what_is_kept_once_is_not_lost_or_doubled_by_trying_on(pen, store, tmp_path):
    store.failures.append(psycopg.OperationalError("away"))
    talk(pen, "a")
    assert not await pen.flush()
    talk(pen, "b")
    assert await pen.keep() == 2
    assert await pen.flush()
    assert list(zip(store.numbers, store.texts(), strict=True)) == [([1], "a"), ([2], "b")]
    assert list(Leftover.find(tmp_path)) == []
    assert list(tmp_path.iterdir()) == []
