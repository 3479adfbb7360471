"""How many handshakes of sidebands are under way at once: so many of a process, and no more than a share of one tenant,
whose provider may hang with each of them for seconds.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID
from weakref import WeakKeyDictionary

DIALS = 30
"""Handshakes under way at once in this process; beyond it they queue."""
REDIALS = 20
"""Of those, at most so many for calls that were open before: a fresh call's caller must not wait behind hundreds."""
SHARE = 0.75
"""Of either, that one tenant may have, be it alone: whoever comes beside it finds some free"""


class Door:
    """Lets so many through at once. The next one is of the tenant that has the fewest inside; such take turns."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._share = max(1, int(limit * SHARE))
        self._inside: Counter[UUID] = Counter()
        self._waiting: dict[UUID, deque[asyncio.Future[None]]] = {}
        """By tenant; like those inside no larger than what is there"""

    @asynccontextmanager
    async def passed(self, tenant: UUID) -> AsyncIterator[None]:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, deque()).append(turn)
        self._admit()
        try:
            await turn
            yield
        finally:
            if turn.cancelled():
                self._give_up(tenant, turn)
            else:
                self._leave(tenant)

    def _admit(self) -> None:
        while self._inside.total() < self._limit:
            able = [tenant for tenant in self._waiting if self._inside[tenant] < self._share]
            if not able:
                return
            tenant = min(able, key=self._inside.__getitem__)
            turns = self._waiting.pop(tenant)
            turn = turns.popleft()
            if turns:
                self._waiting[tenant] = turns  # the last one now of those who have as many inside
            if not turn.done():
                self._inside[tenant] += 1
                turn.set_result(None)

    def _leave(self, tenant: UUID) -> None:
        self._inside[tenant] -= 1
        if not self._inside[tenant]:
            del self._inside[tenant]
        self._admit()

    def _give_up(self, tenant: UUID, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(tenant, deque())
        if turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[tenant]


class Doors:
    """Of one loop, and a process has one. Counts what comes to them."""

    _of: WeakKeyDictionary[asyncio.AbstractEventLoop, Doors] = WeakKeyDictionary()

    def __init__(self) -> None:
        self._all = Door(DIALS)
        self._again = Door(REDIALS)
        self.waiting = 0
        """Before a door"""
        self.redials = 0
        """Of sidebands that were open before, since the start"""

    @classmethod
    def here(cls) -> Doors:
        loop = asyncio.get_running_loop()
        if loop not in cls._of:
            cls._of[loop] = cls()
        return cls._of[loop]

    @asynccontextmanager
    async def passed(self, tenant: UUID, *, again: bool) -> AsyncIterator[None]:
        self.redials += again
        async with AsyncExitStack() as stack:
            self.waiting += 1
            try:
                if again:  # a redial queues before its own door, so that the common one stays clear
                    await stack.enter_async_context(self._again.passed(tenant))
                await stack.enter_async_context(self._all.passed(tenant))
            finally:
                self.waiting -= 1
            yield
