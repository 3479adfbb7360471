"""Sends announcements to Redis from the loop, apart from everything that matters: it may be late, full or failing."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from django.conf import settings
from redis.asyncio import Redis

from calls import feed
from calls.feed import SEND_LIMIT_S, Message

logger = logging.getLogger(__name__)

QUEUE_LIMIT = 5_000
"""Announcements that wait for Redis; beyond it the oldest goes and screens resync from PostgreSQL."""
AT_ONCE = 100
"""Announcements in one exchange with Redis: an exchange costs as much as several of them"""


class Announcer:
    """A bounded queue in front of Redis. `follows` says of a group whether anybody would hear it."""

    def __init__(self, follows: Callable[[str], bool]) -> None:
        self.follows = follows
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
        failing = False
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(
                Redis.from_url(settings.REDIS_URL, socket_timeout=SEND_LIMIT_S, socket_connect_timeout=SEND_LIMIT_S)
            )
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    taken = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                    try:
                        async with asyncio.timeout(SEND_LIMIT_S):
                            await self._send(client, taken)
                        failing = False
                    except Exception as error:  # noqa: BLE001  whatever Redis does: screens read PostgreSQL
                        # What waits behind it would come late, and hints that come late are wrong.
                        self.dropped += len(taken) + len(self._waiting)
                        self._waiting.clear()
                        if not failing:
                            logger.warning("announcements are lost", extra={"error": type(error).__name__})
                        failing = True

    async def _send(self, client: Any, messages: list[tuple[str, Message]]) -> None:
        async with client.pipeline(transaction=False) as pipeline:
            for group, message in messages:
                pipeline.publish(feed.channel(group), feed.packed(message))
            await pipeline.execute()
