"""Calls that this process gives back as it reaches the provider no more: its peers may have them first."""

from __future__ import annotations

import logging
import time
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from calls.actions import leases
from calls.actions.leases import Lease
from calls.sideband.writer import Writer

logger = logging.getLogger(__name__)

FIRST_S = 10.0
"""A call that was given back is left to the peers for so long: several of their sweeps"""
RINGING_FIRST_S = 3.0
"""The same of a call that rings: nobody lets it ring for long"""


class Peers:
    """One per process."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], owner: UUID, writer: Writer) -> None:
        self._pool = pool
        self._owner = owner
        self._writer = writer
        self._until: dict[int, float] = {}

    def calls(self) -> set[int]:
        """What is theirs for now."""
        now = time.monotonic()
        self._until = {call: until for call, until in self._until.items() if until > now}
        return set(self._until)

    async def leave(self, lease: Lease, *, ringing: bool = False) -> None:
        """Without a peer that reaches the provider the call is taken again after FIRST_S, or RINGING_FIRST_S."""
        logger.warning("the provider is not reached; a peer may", extra={"call": lease.call})
        first = RINGING_FIRST_S if ringing else FIRST_S
        self._until[lease.call] = time.monotonic() + first
        await self._writer.flush()  # what waits is refused once a peer has the call
        async with self._pool.connection() as connection:
            self._until[lease.call] = time.monotonic() + first  # storing may have taken as long
            await leases.give_back(connection, self._owner, lease)
