"""Collects the changes of all calls of this process and stores them, one transaction per flush.

Bounds: `LIMIT` changes in all; beyond it `room` holds the readers back, and TCP holds the provider back. A database
that is away costs nothing but waiting: the batches are kept and tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
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
"""Columns without an entry (floor, last words) are only the first paint's: they can wait so long."""

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
        batch = self._pending.get(ref.id)
        if batch is None or batch.ref.epoch < ref.epoch:  # what waits under an older lease would be fenced
            batch = self._pending[ref.id] = Batch(ref)
        batch.add(changes, columns)
        if changes:
            self._count += len(changes)
            if self._count >= LIMIT:
                self._room.clear()
            self._numbered.set()

    async def room(self) -> None:
        """Return at once unless the bound is reached."""
        await self._room.wait()

    async def run(self) -> None:
        """Flush for ever: soon after a numbered change, and now and then for columns alone."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._numbered.wait(), COLUMNS_EVERY_S)
                await asyncio.sleep(self._flush_s)
            attempt = 0
            while not await self.flush():
                await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
                attempt += 1

    @property
    def waiting(self) -> int:
        """Changes that are not stored yet, or not known to be."""
        return sum(len(batch.changes) for batch in (*self._sealed, *self._pending.values()))

    async def flush(self) -> bool:
        """Store all that waits, FLUSH_LIMIT at a time; False when the database is away (everything is kept)."""
        async with self._lock:
            self._numbered.clear()
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
