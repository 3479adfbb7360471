"""Collects the changes of all calls of this process and stores them, one transaction per flush.

A database that is away costs nothing but waiting: what was tried is kept and tried again, what comes meanwhile waits in
memory (backlog.CALL_CHANGES of a call, backlog.CHANGES of the process), then in the spool file, and where that takes
nothing either the least valuable goes, counted and told as a gap. Readers are held back only while the file is written.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from calls.actions.ingest import Batch, CallRef, store
from calls.domain.changes import Numbered
from calls.sideband.announcer import Announcer
from calls.sideband.backlog import Backlog
from calls.sideband.spool import Group, Spool

logger = logging.getLogger(__name__)

FLUSH_LIMIT = 2_000
"""Changes in one transaction: after an outage the catching up must not hold locks, or the loop, for long."""
SERVER = (psycopg.Error, OSError, TimeoutError)
"""Its fault, but for POISON: what waits is kept and tried again"""
POISON = (psycopg.DataError, psycopg.IntegrityError)
"""The rows' own fault, as is any error that is not the server's: trying again would find the same."""
RETRY_S = (0.25, 0.5, 1.0, 2.0)
DISK_LIMIT_S = 5.0
"""A disk that takes longer counts as one that failed"""

Pool = AsyncConnectionPool[AsyncConnection[Any]]
T = TypeVar("T")


class Writer:
    """One per process."""

    def __init__(
        self,
        pool: Pool,
        owner: UUID,
        flush_s: float,
        announcer: Announcer,
        on_fenced: Callable[[CallRef], None],
        spool: Spool,
        most_changes: int | None = None,
    ) -> None:
        self.fenced = 0
        """Batches that PostgreSQL refused, as their call is somebody else's"""
        self.dropped = 0
        """Changes that could not be stored nor kept"""
        self.spool = spool
        self._pool = pool
        self._owner = owner
        self._flush_s = flush_s
        self._announcer = announcer
        self._on_fenced = on_fenced
        self._backlog = Backlog(most_changes)
        self._sealed: Group = []
        """What is being stored, under one number. Nobody may know whether a commit worked whose answer was lost: then
        it is stored again exactly so, and known by its number"""
        self._of_spool = False
        self._flushes = 0
        self._numbered = asyncio.Event()
        self._progress = asyncio.Event()
        """Set for a moment whenever something is stored, for all who wait for it then"""
        self._crowded = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._flushing = asyncio.Lock()
        self._order = asyncio.Lock()
        """Who takes from the backlog: what goes to the file is older than what stays"""
        self._disk = ThreadPoolExecutor(1, "spool")
        self._disk_failed = False

    def put(self, ref: CallRef, changes: Sequence[Numbered], columns: dict[str, Any]) -> None:
        """Take changes of a call, in order. Never waits: readers ask for `room` between frames."""
        self._backlog.add(ref, changes, columns)
        if changes:
            self._numbered.set()
            if self._backlog.crowded:
                self._room.clear()
                self._crowded.set()

    def heard(self, ref: CallRef) -> None:
        """The provider was heard at `ref.heard_at`: to be stored with whatever is stored next of this call."""
        self._backlog.heard(ref)

    @property
    def roomy(self) -> bool:
        """False while the spool is being written."""
        return self._room.is_set()

    async def room(self) -> None:
        """Return at once, but while the spool is being written."""
        await self._room.wait()

    async def stored(self, call: int) -> None:
        """Return when nothing of this call waits any more: stored, refused, or dropped and told so."""
        while self.spool or self._backlog.has(call) or any(batch.ref.id == call for batch in self._sealed):
            await self._progress.wait()

    @property
    def waiting(self) -> int:
        """Changes that are not stored yet, or not known to be."""
        of_spool = self.spool.changes - (_count(self._sealed) if self._of_spool else 0)
        return _count(self._sealed) + of_spool + self._backlog.changes

    @property
    def most_changes(self) -> int:
        """In memory; more go to the spool."""
        return self._backlog.most

    @property
    def waiting_bytes(self) -> int:
        """Of memory, about, without what is being stored."""
        return self._backlog.bytes

    async def run(self) -> None:
        """Flush for ever: soon after a numbered change, and when columns alone are due."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._numbered.wait(), self._backlog.idle_s())
                await asyncio.sleep(self._flush_s)
            attempt = 0
            while not await self.flush(due=time.monotonic()):
                await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
                attempt += 1

    async def relieve(self) -> None:
        """For ever: whenever a bound of the memory is reached, bring what waits to the disk, or else shed."""
        while True:
            await self._crowded.wait()
            self._crowded.clear()
            try:
                async with self._order:
                    if self._backlog.crowded and not await self._spill():
                        dropped = self._backlog.relieve()
                        self.dropped += dropped
                        logger.error("no room for what waits; the least valuable goes", extra={"changes": dropped})
            finally:
                self._room.set()

    async def flush(self, *, due: float = math.inf) -> bool:
        """Store all that waits, FLUSH_LIMIT at a time; False when the database is away (everything is kept).

        Columns alone only where they are `due` by then.
        """
        async with self._flushing:
            self._numbered.clear()
            self._backlog.ripen(due)
            try:
                stored = await self._flush_all()
            except (OSError, TimeoutError) as error:  # the disk's: what PostgreSQL says is heard in `_flush`
                logger.error("the spool does not answer", extra={"error": type(error).__name__})
                stored = False
            if stored:
                self._progressed()
            else:
                self._numbered.set()
            return stored

    async def _flush_all(self) -> bool:
        while True:
            again = bool(self._sealed)
            if not again and not await self._seal():
                return True
            last = not (again or self.spool or self._backlog.changes)
            if not await self._flush():
                return False
            if last:
                return True

    async def keep(self) -> int:
        """The process ends and PostgreSQL is away: have what waits in the spool; returns how much of it is there.

        What was tried is written, too; where the file begins with something later it also stays in memory. Whichever
        comes second is known by its number.
        """
        async with self._flushing, self._order:
            if self._sealed and not self._of_spool:
                first = not self.spool
                if await self._append([self._sealed]) and first:
                    self._sealed = []  # the file begins with it
            await self._spill()
        return self.spool.changes

    async def close(self) -> None:
        """Let go of the spool; what waits in it stays on the disk."""
        try:
            await self._on_disk(self.spool.close)
        except (OSError, TimeoutError):
            logger.exception("the spool was not closed")
        self._disk.shutdown(wait=False)

    async def _seal(self) -> bool:
        """Take what is oldest: of the spool, else of what waits in memory."""
        async with self._order:
            self._of_spool = bool(self.spool)
            if self._of_spool:
                self._sealed, lost = await self._on_disk(self.spool.first)
                self.dropped += lost
            else:
                self._sealed = self._take()
        return bool(self._sealed)

    def _take(self) -> Group:
        self._flushes += 1
        return self._backlog.take(FLUSH_LIMIT, self._flushes)

    async def _spill(self) -> bool:
        """Bring everything that waits in memory to the disk; False where it does not take it: all is kept.

        What is being tried goes first: did the file begin after it, whoever finds the file of a dead process would not
        know that something is missing before it.
        """
        tried = [] if self.spool else self._sealed
        groups = []
        while group := self._take():
            groups.append(group)
        there = False
        try:
            # A copy: it is being stored meanwhile.
            there = await self._append([[*tried], *groups] if tried else groups)
        finally:
            if not there:
                self._backlog.put_back([batch for group in groups for batch in group])
        # Else it was stored meanwhile: it is given again when the file's turn comes, and known by its number.
        if tried and tried is self._sealed and self.spool.begins_with(tried):
            self._of_spool = True
        return there

    async def _append(self, groups: Sequence[Group]) -> bool:
        try:
            written = await self._on_disk(lambda: self.spool.write(groups))
        except (OSError, TimeoutError) as error:
            if not self._disk_failed:
                logger.error("the spool takes nothing", extra={"error": type(error).__name__})
            self._disk_failed = True
            return False
        self._disk_failed = False
        self.spool.accept(written)
        self.dropped += written.dropped
        return True

    async def _on_disk(self, work: Callable[[], T]) -> T:
        """One after the other, beside the loop."""
        async with asyncio.timeout(DISK_LIMIT_S):
            return await asyncio.get_running_loop().run_in_executor(self._disk, work)

    async def _flush(self) -> bool:
        try:
            await self._store(self._sealed)
            self._sealed = []
        except Exception as error:
            if is_of_the_server(error):
                logger.warning("database is away, changes wait", extra={"error": type(error).__name__})
                return False
            logger.exception("a batch was refused; storing its calls one by one")
            if not await self._store_apart():
                return False
        if self._of_spool:
            self._of_spool = False
            async with self._order:  # not between a write and its acceptance: the file goes with its last group
                await self._on_disk(self.spool.forget_first)
        self._progressed()
        return True

    def _progressed(self) -> None:
        self._progress.set()
        self._progress.clear()

    async def _store(self, batches: Sequence[Batch]) -> None:
        async with self._pool.connection() as connection:
            stored = await store(connection, self._owner, batches, follows=self._announcer.follows)
        for group, message in stored.announcements:
            self._announcer.put(group, message)
        self.fenced += len(stored.fenced)
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
                if is_of_the_server(error):
                    return False
                self.dropped += len(batch.changes)
                logger.exception(
                    "changes of a call cannot be stored and are dropped",
                    extra={"call": str(batch.ref.code), "changes": len(batch.changes)},
                )
            del self._sealed[0]
        return True


def _count(group: Group) -> int:
    return sum(len(batch.changes) for batch in group)


def is_of_the_server(error: Exception) -> bool:
    """Whether trying again may work."""
    return isinstance(error, SERVER) and not isinstance(error, POISON)
