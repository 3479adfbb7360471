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


class Inheritance:
    """Looks into one directory."""

    def __init__(self, directory: Path, pool: AsyncConnectionPool[AsyncConnection[Any]], announcer: Announcer) -> None:
        self._directory = directory
        self._pool = pool
        self._announcer = announcer

    async def offer(self) -> None:
        """Offer all that is there and remove it. Raises what a database that is away raises: all is kept.

        One heir of a machine at a time: whoever took a call before another has offered what was left of it would have
        it refused. So this also waits for the others, for as long as they take.
        """
        try:
            turn = os.open(self._directory, os.O_RDONLY)
        except FileNotFoundError:
            return
        except OSError:
            logger.exception("the directory of the spools cannot be read")
            return
        try:
            while not _is_ours(turn):  # noqa: ASYNC110  another process holds it
                await asyncio.sleep(TURN_S)
            await self._offer_all()
        finally:
            os.close(turn)

    async def _offer_all(self) -> None:
        try:
            found = await asyncio.to_thread(lambda: list(Leftover.find(self._directory)))
        except OSError:
            logger.exception("the directory of the spools cannot be read")
            return
        try:
            while found:
                try:
                    await self._offer(found[0])
                except Exception as error:
                    if is_of_the_server(error):
                        raise
                    logger.exception("a dead worker's spool cannot be offered and is set aside")
                    found.pop(0).set_aside()
                else:
                    found.pop(0).remove()
        finally:
            for leftover in found:
                leftover.leave()

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


def _is_ours(turn: int) -> bool:
    try:
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
