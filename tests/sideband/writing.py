"""In place of what a writer stands on: a pool that lends nothing, a store that fails as told, screens that follow all."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg

from calls.actions.ingest import CallRef, Stored
from calls.sideband import writer
from tests.sideband.desk import turn


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
