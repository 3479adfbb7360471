"""Sends announcements to Redis from the loop, apart from everything that matters: it may be late, full or failing."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from channels.layers import get_channel_layer

from calls.feed import SEND_LIMIT_S, Message

logger = logging.getLogger(__name__)

QUEUE_LIMIT = 5_000
"""Announcements that wait for Redis; beyond it the oldest goes and screens resync from PostgreSQL."""


class Announcer:
    """A bounded queue in front of the channel layer."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, Message]] = deque(maxlen=QUEUE_LIMIT)
        self._wake = asyncio.Event()
        self.dropped = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def put(self, group: str, message: Message) -> None:
        if len(self._waiting) == QUEUE_LIMIT:
            self.dropped += 1
        self._waiting.append((group, message))
        self._wake.set()

    async def run(self) -> None:
        layer = get_channel_layer()
        failing = False
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                try:
                    async with asyncio.timeout(SEND_LIMIT_S):
                        await layer.group_send(*self._waiting.popleft())
                    failing = False
                except Exception as error:  # noqa: BLE001  whatever Redis does: screens read PostgreSQL
                    # What waits behind it would come late, and hints that come late are wrong.
                    self.dropped += 1 + len(self._waiting)
                    self._waiting.clear()
                    if not failing:
                        logger.warning("announcements are lost", extra={"error": type(error).__name__})
                    failing = True
