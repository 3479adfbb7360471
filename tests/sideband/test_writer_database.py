"""The writer on the real database: what is refused, what is stored twice, whose lease is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio

from calls.domain.changes import CallStateChanged, NoteAdded
from calls.domain.states import CallState
from calls.sideband import database, writer
from tests import factories
from tests.sideband.desk import at, connected, fetch, hold, run_out, turn

pytestmark = pytest.mark.asyncio


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
