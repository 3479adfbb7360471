"""A worker's pulse: its lock and its row are there while it lives, and others learn of its death."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import pytest

from calls.sideband import database, pulse
from calls.sideband.pulse import Pulse
from tests.sideband.desk import as_owner, until

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def living(**heard):
    """A worker's pulse, running; `commands` and `freed` collect what it hears."""
    commands, freed = heard.get("commands", []), heard.get("freed", [])
    async with database.pool("test", 2) as pool:
        one = Pulse(pool, uuid4(), 10)
        tasks = [
            asyncio.create_task(one.listen(commands.append, lambda: freed.append(1))),
            asyncio.create_task(
                one.beat(lambda: 3, lambda: {"waiting": [1, 9]}, lambda: True, lambda: freed.append(1))
            ),
        ]
        try:
            yield one, tasks
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


def row(url, one):
    found = as_owner(url, "select lock_key, calls, counters from calls_worker where owner = %s", one._owner)
    return found[0] if found else None


def held(url, one):
    """Whether the lock of a pulse is held by somebody."""
    high, low = one._lock_key >> 32, one._lock_key & 0xFFFFFFFF
    statement = "select 1 from pg_locks where locktype = 'advisory' and classid = %s and objid = %s and granted"
    return bool(as_owner(url, statement, high, low))


async def test_a_living_worker_holds_its_lock_and_says_so(committed_db, monkeypatch):
    monkeypatch.setattr(pulse, "BEAT_S", 0.02)
    async with living() as (one, _):
        await until(lambda: row(committed_db, one) == (one._lock_key, 3, {"waiting": [1, 9]}))
        assert held(committed_db, one)
    await until(lambda: not held(committed_db, one))


async def test_it_hears_of_commands_and_of_free_calls(committed_db):
    commands, freed = [], []
    async with living(commands=commands, freed=freed) as (one, _):
        await until(lambda: held(committed_db, one))
        as_owner(committed_db, "notify sideband_commands, '41'")
        as_owner(committed_db, "notify sideband_commands, 'no number'")
        as_owner(committed_db, "notify sideband_free")
        await until(lambda: freed)
        assert commands == [41]


async def test_a_worker_without_its_lock_says_so(committed_db, monkeypatch):
    monkeypatch.setattr(pulse, "BEAT_S", 0.02)
    async with living() as (one, tasks):
        await until(lambda: row(committed_db, one) == (one._lock_key, 3, {"waiting": [1, 9]}))
        tasks[0].cancel()  # the listener's connection is gone; the supervisor opens another
        await until(lambda: row(committed_db, one) == (0, 3, {"waiting": [1, 9]}))


async def test_nobody_is_judged_before_things_are_calm(committed_db, monkeypatch):
    monkeypatch.setattr(pulse, "BEAT_S", 0.02)
    dead = uuid4()
    as_owner(
        committed_db,
        "insert into calls_worker (owner, host, pid, lock_key, slots, calls, started_at, seen_at)"
        " values (%s, 'h', 1, 99, 1, 0, now(), now() - interval '1 minute')",
        dead,
    )
    calm = False
    async with database.pool("test", 2) as pool:
        task = asyncio.create_task(Pulse(pool, uuid4(), 10).beat(lambda: 0, dict, lambda: calm, lambda: None))
        gone = "select 1 from calls_worker where owner = %s"
        await until(lambda: as_owner(committed_db, "select 1 from calls_worker where owner <> %s", dead))
        assert as_owner(committed_db, gone, dead)
        calm = True
        await until(lambda: not as_owner(committed_db, gone, dead))
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
