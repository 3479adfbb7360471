"""Collects the changes of all calls of this process and stores them, one transaction per flush.

Bounds: `LIMIT` changes in all; beyond it `room` holds the readers back, and TCP holds the provider back. A database
that is away costs nothing but waiting: the batches are kept and tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from calls.actions.ingest import Batch, CallRef, store
from calls.domain.changes import Numbered
from calls.sideband.announcer import Announcer

logger = logging.getLogger(__name__)

LIMIT = 50_000
FLUSH_LIMIT = 2_000
"""Changes in one transaction: after an outage the catching up must not hold locks, or the loop, for long."""
SERVER = (psycopg.Error, OSError, TimeoutError)
"""Its fault, but for POISON: what waits is kept and tried again"""
POISON = (psycopg.DataError, psycopg.IntegrityError)
"""The rows' own fault, as is any error that is not the server's: trying again would find the same."""
RETRY_S = (0.25, 0.5, 1.0, 2.0)
COLUMNS_EVERY_S = 2.0
"""Columns without an entry (floor, last words, when a call was last heard) are only the first paint's: they wait so
long for an entry of their call to go with, then go alone."""

Pool = AsyncConnectionPool[AsyncConnection[Any]]


class Writer:
    """One per process."""

    def __init__(
        self, pool: Pool, owner: UUID, flush_s: float, announcer: Announcer, on_fenced: Callable[[CallRef], None]
    ) -> None:
        self._pool = pool
        self._owner = owner
        self._flush_s = flush_s
        self._announcer = announcer
        self._on_fenced = on_fenced
        self._pending: dict[int, Batch] = {}
        """For the next flush"""
        self._aside: dict[int, tuple[float, Batch]] = {}
        """Columns alone, and when they are due, the oldest first. A call has a batch here or in `_pending`, not both"""
        self._sealed: list[Batch] = []
        """What is being stored, under one number. Nobody may know whether a commit worked whose answer was lost: then
        it is stored again exactly so, and known by its number"""
        self._flushes = 0
        self._count = 0
        self._numbered = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._lock = asyncio.Lock()

    def put(self, ref: CallRef, changes: Sequence[Numbered], columns: dict[str, Any]) -> None:
        """Take changes of a call, in order. Never waits: readers ask for `room` between frames."""
        batch = self._batch(ref)
        batch.add(changes, columns)
        if changes:
            if self._aside.pop(ref.id, None) is not None:
                self._pending[ref.id] = batch
            self._count += len(changes)
            if self._count >= LIMIT:
                self._room.clear()
            self._numbered.set()

    def heard(self, ref: CallRef) -> None:
        """The provider was heard at `ref.heard_at`: to be stored with whatever is stored next of this call."""
        if ref.id not in self._pending and ref.id not in self._aside:
            self._batch(ref)

    def _batch(self, ref: CallRef) -> Batch:
        """What waits of a call, perhaps nothing yet."""
        batch = self._pending.get(ref.id)
        if batch is None and ref.id in self._aside:
            _, batch = self._aside[ref.id]
        if batch is None or batch.ref.epoch < ref.epoch:  # what waits under an older lease would be fenced
            self._pending.pop(ref.id, None)
            self._aside.pop(ref.id, None)
            batch = Batch(ref)
            self._aside[ref.id] = time.monotonic() + COLUMNS_EVERY_S, batch
        return batch

    async def room(self) -> None:
        """Return at once unless the bound is reached."""
        await self._room.wait()

    async def run(self) -> None:
        """Flush for ever: soon after a numbered change, and when columns alone are due."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._numbered.wait(), self._idle_s())
                await asyncio.sleep(self._flush_s)
            attempt = 0
            while not await self.flush(due=time.monotonic()):
                await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
                attempt += 1

    def _idle_s(self) -> float:
        """How long there is nothing to do while no numbered change comes."""
        due = next((due for due, _ in self._aside.values()), None)
        return COLUMNS_EVERY_S if due is None else max(0.0, due - time.monotonic())

    @property
    def waiting(self) -> int:
        """Changes that are not stored yet, or not known to be."""
        return sum(len(batch.changes) for batch in (*self._sealed, *self._pending.values()))

    async def flush(self, *, due: float = math.inf) -> bool:
        """Store all that waits, FLUSH_LIMIT at a time; False when the database is away (everything is kept).

        Columns alone only where they are `due` by then.
        """
        async with self._lock:
            self._numbered.clear()
            for call, (_, batch) in list(takewhile(lambda one: one[1][0] <= due, self._aside.items())):
                del self._aside[call]
                self._pending[call] = batch
            while True:
                again = bool(self._sealed)
                if not again and not self._seal():
                    return True
                last = not again and sum(len(batch.changes) for batch in self._sealed) < FLUSH_LIMIT
                if not await self._flush():
                    self._numbered.set()
                    return False
                if last:
                    return True

    def _seal(self) -> bool:
        """Take batches out of what waits, up to the limit; a call that has more keeps the rest waiting."""
        room = FLUSH_LIMIT
        self._flushes += 1
        for call, batch in list(self._pending.items()):
            if room <= 0:
                break
            del self._pending[call]
            if len(batch.changes) > room:
                self._pending[call] = Batch(batch.ref, batch.changes[room:], batch.columns)
                batch = Batch(batch.ref, batch.changes[:room])
            if batch.ref.heard_at is not None:
                batch.columns["last_event_at"] = batch.ref.heard_at
            batch.flush = self._flushes
            self._sealed.append(batch)
            room -= len(batch.changes)
        return bool(self._sealed)

    async def _flush(self) -> bool:
        try:
            await self._store(self._sealed)
            self._sealed = []
        except Exception as error:
            if _is_of_the_server(error):
                logger.warning("database is away, changes wait", extra={"error": type(error).__name__})
                return False
            logger.exception("a batch was refused; storing its calls one by one")
            if not await self._store_apart():
                return False
        self._count = self.waiting
        if self._count < LIMIT:
            self._room.set()
        return True

    async def _store(self, batches: Sequence[Batch]) -> None:
        async with self._pool.connection() as connection:
            stored = await store(connection, self._owner, batches)
        for group, message in stored.announcements:
            self._announcer.put(group, message)
        for batch in batches:
            if batch.ref.id in stored.fenced:
                self._on_fenced(batch.ref)

    async def _store_apart(self) -> bool:
        """One poisonous row must not hold up every call of the process: its own batch alone is dropped, loudly.

        False when the database went away meanwhile.
        """
        while self._sealed:
            batch = self._sealed[0]
            try:
                await self._store([batch])
            except Exception as error:
                if _is_of_the_server(error):
                    return False
                logger.exception(
                    "changes of a call cannot be stored and are dropped",
                    extra={"call": str(batch.ref.code), "changes": len(batch.changes)},
                )
            del self._sealed[0]
        return True


def _is_of_the_server(error: Exception) -> bool:
    return isinstance(error, SERVER) and not isinstance(error, POISON)
