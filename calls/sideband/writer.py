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
POISON = (psycopg.DataError, psycopg.IntegrityError, TypeError, ValueError)
"""The rows' own fault: trying again finds the same. Any other error is the server's, and what waits is kept."""
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
        """Changes that are not stored yet."""
        return sum(len(batch.changes) for batch in self._pending.values())

    async def flush(self) -> bool:
        """Store all that waits, FLUSH_LIMIT at a time; False when the database is away (everything is kept)."""
        async with self._lock:
            self._numbered.clear()
            while batches := self._next():
                if not await self._flush(batches):
                    return False
                if sum(len(batch.changes) for batch in batches) < FLUSH_LIMIT:
                    break
            return True

    def _next(self) -> list[Batch]:
        """Take batches out of what waits, up to the limit; a call that has more keeps the rest waiting."""
        taken: list[Batch] = []
        room = FLUSH_LIMIT
        for call, batch in list(self._pending.items()):
            if room <= 0:
                break
            del self._pending[call]
            if len(batch.changes) > room:
                self._pending[call] = Batch(batch.ref, batch.changes[room:], batch.columns)
                batch = Batch(batch.ref, batch.changes[:room])
            taken.append(batch)
            room -= len(batch.changes)
        return taken

    async def _flush(self, batches: list[Batch]) -> bool:
        try:
            await self._store(batches)
        except asyncio.CancelledError:
            self._put_back(batches)  # perhaps stored, perhaps not: storing again does no harm
            raise
        except POISON:
            logger.exception("a batch was refused; storing its calls one by one")
            if not await self._store_apart(batches):
                return False
        except psycopg.Error as error:
            logger.warning("database is away, changes wait", extra={"error": type(error).__name__})
            self._put_back(batches)
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

    async def _store_apart(self, batches: Sequence[Batch]) -> bool:
        """One poisonous row must not hold up every call of the process: its own batch alone is dropped, loudly.

        False when the database went away meanwhile.
        """
        there = True
        for batch in batches:
            try:
                await self._store([batch])
            except POISON:
                logger.exception(
                    "changes of a call cannot be stored and are dropped",
                    extra={"call": str(batch.ref.code), "changes": len(batch.changes)},
                )
            except psycopg.Error:
                self._put_back([batch])
                there = False
        return there

    def _put_back(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            newer = self._pending.get(batch.ref.id)
            if newer is None or newer.ref.epoch == batch.ref.epoch:
                if newer is not None:
                    batch.add(newer.changes, newer.columns)
                self._pending[batch.ref.id] = batch
            self._numbered.set()
