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
AT_ONCE = 32


class Announcer:
    """A bounded queue in front of the channel layer."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, Message]] = deque(maxlen=QUEUE_LIMIT)
        self._wake = asyncio.Event()
        self.dropped = 0

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
                chunk = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                # Order matters within a group only, and a chunk is sent over one connection in its order.
                sent = await asyncio.gather(
                    *(asyncio.wait_for(layer.group_send(*each), SEND_LIMIT_S) for each in chunk),
                    return_exceptions=True,
                )
                lost = [result for result in sent if isinstance(result, BaseException)]
                self.dropped += len(lost)
                if lost and not failing:
                    logger.warning("announcements are lost", extra={"error": type(lost[0]).__name__})
                failing = bool(lost)
