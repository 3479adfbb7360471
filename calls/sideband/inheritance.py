"""What dead workers of this machine left in their spool files is offered once, under the owners and epochs it has.

A call that was freed or taken since refuses it: what the new owner found out stands, and its gap tells the rest.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from calls.actions.ingest import store
from calls.sideband.announcer import Announcer
from calls.sideband.spool import Group, Leftover
from calls.sideband.writer import is_of_the_server

logger = logging.getLogger(__name__)

TURN_S = 0.1
"""Between looks whether another heir is done"""
UNREADABLE = "the directory of the spools cannot be read"


class Inheritance:
    """Looks into one directory."""

    def __init__(self, directory: Path, pool: AsyncConnectionPool[AsyncConnection[Any]], announcer: Announcer) -> None:
        self._directory = directory
        self._pool = pool
        self._announcer = announcer

    async def offer(self) -> None:
        """Offer all that is there and remove it. Raises what a database that is away raises: all is kept.

        The heirs of a machine take one file after the other, so that one that stands still has no more than one.
        Whoever took a call before another has offered what was left of it would have it refused. So this also waits for
        the others, for as long as they take, and offers what is found meanwhile.
        """
        try:
            directory = os.open(self._directory, os.O_RDONLY)
        except FileNotFoundError:
            return
        except OSError:
            logger.exception(UNREADABLE)
            return
        try:
            while True:
                # Held by all who look or offer: whoever then has it alone knows that nobody does.
                await _locked(directory, fcntl.LOCK_SH)
                try:
                    leftover = await asyncio.to_thread(lambda: next(Leftover.find(self._directory), None))
                except OSError:
                    logger.exception(UNREADABLE)
                    return
                if leftover is not None:
                    await self._offer_and_remove(leftover)
                elif _lock(directory, fcntl.LOCK_EX):
                    return
                else:
                    fcntl.flock(directory, fcntl.LOCK_UN)
                    await asyncio.sleep(TURN_S)
        finally:
            os.close(directory)

    async def _offer_and_remove(self, leftover: Leftover) -> None:
        then = leftover.leave
        try:
            await self._offer(leftover)
            then = leftover.remove
        except Exception as error:
            if is_of_the_server(error):
                raise
            logger.exception("a dead worker's spool cannot be offered and is set aside")
            then = leftover.set_aside
        finally:
            then()

    async def _offer(self, leftover: Leftover) -> None:
        groups = leftover.groups()
        stored = refused = 0
        while (group := await asyncio.to_thread(next, groups, None)) is not None:
            for part in await self._store(leftover.owner, group):
                refused += part
                stored += 1 - part
        logger.warning("a dead worker's spool was offered", extra={"stored": stored, "refused": refused})

    async def _store(self, owner: UUID, group: Group) -> list[int]:
        """For each batch whether it was refused: 1, or 0. One that is poisonous is refused alone."""
        try:
            async with self._pool.connection() as connection:
                stored = await store(connection, owner, group)
        except Exception as error:
            if is_of_the_server(error):
                raise
            if len(group) > 1:
                return [part for batch in group for part in await self._store(owner, [batch])]
            logger.exception("changes of a call cannot be stored and are dropped")
            return [1]
        for name, message in stored.announcements:
            self._announcer.put(name, message)
        return [int(batch.ref.id in stored.fenced) for batch in group]


async def _locked(file: int, kind: int) -> None:
    while not _lock(file, kind):  # noqa: ASYNC110  another process has it
        await asyncio.sleep(TURN_S)


def _lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
