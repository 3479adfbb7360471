"""Says that this worker lives, hears the other processes, and finds out who died. Decides nothing about calls.

A living worker holds a session-level advisory lock. When its process is killed the kernel closes the connection and
PostgreSQL frees the lock within milliseconds; a worker that is only paused keeps it. So a free lock, of a worker whose
row is not fresh either, is a death certificate: its calls need not wait for their leases to run out. Power loss and
partitions close nothing; there the lease decides.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Callable
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from calls.actions import leases
from calls.sideband import database

logger = logging.getLogger(__name__)

BEAT_S = 1.0
COMMANDS, FREE = "sideband_commands", "sideband_free"


class Pulse:
    """`listen` and `beat` run side by side for the life of the process."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], owner: UUID, slots: int) -> None:
        self._pool = pool
        self._owner = owner
        self._slots = slots
        self._lock_key = secrets.randbits(62) + 1
        self._locked = False

    async def listen(self, on_command: Callable[[int], None], on_free: Callable[[], None]) -> None:
        """Hold the lock and hear of commands and of calls that were given back; returns when the connection ends.

        The connection is idle but for this: a backend inside a statement would free its lock only at the end of it.
        """
        connection = await database.listener(COMMANDS, FREE)
        try:
            await leases.lock(connection, self._lock_key)
            self._locked = True
            async for notice in connection.notifies():
                if notice.channel == FREE:
                    on_free()
                elif notice.payload.isdigit():
                    on_command(int(notice.payload))
        finally:
            self._locked = False
            await connection.close()

    async def beat(
        self,
        calls: Callable[[], int],
        counters: Callable[[], dict[str, Any]],
        calm: Callable[[], bool],
        on_free: Callable[[], None],
    ) -> None:
        """Keep this worker's row fresh, and free the calls of the dead.

        Not while `calm` says no: after PostgreSQL restarted every lock is free though every worker lives.
        """
        while True:
            async with self._pool.connection() as connection:
                await leases.beat(
                    connection,
                    self._owner,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    lock_key=self._lock_key if self._locked else 0,
                    slots=self._slots,
                    calls=calls(),
                    counters=counters(),
                )
                freed = await leases.bury(connection, self._owner) if calm() else 0
            if freed:
                logger.warning("a worker died; its calls are free", extra={"calls": freed})
                on_free()
            await asyncio.sleep(BEAT_S)
