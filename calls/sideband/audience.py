"""Which streams somebody follows: what nobody follows need not be announced. Decides nothing, stores nothing.

Redis itself knows its subscribers, so nothing has to be kept up: not when it is emptied or begins anew, not when a web
process is killed. It is asked every POLL_S; beside that, the feed says at once when a page begins to follow. While
Redis does not answer, everything is announced (and lost): the first answer afterwards counts as if all that are
followed had just begun to be.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings
from redis.asyncio import Redis

from calls import feed

logger = logging.getLogger(__name__)

POLL_S = 1.0
"""A page whose word was lost waits so long for the words of an open turn"""


class Audience:
    """One per process. `on_followed` is told of groups that somebody begins to follow, again for each one who does."""

    def __init__(self, on_followed: Callable[[Collection[str]], None]) -> None:
        self._on_followed = on_followed
        self._groups: set[str] | None = None
        """None: not known"""
        self._failing = False

    def follows(self, group: str) -> bool:
        """True where somebody does, and while nobody knows."""
        return self._groups is None or group in self._groups

    async def run(self) -> None:
        """Ask and listen for ever, whatever Redis does."""
        while True:
            try:
                async with AsyncExitStack() as stack:
                    await self._watch(stack)
            except Exception as error:  # noqa: BLE001  the client library raises what it likes
                if not self._failing:
                    logger.warning("nobody knows who looks on", extra={"error": type(error).__name__})
                self._failing, self._groups = True, None
            await asyncio.sleep(POLL_S)

    async def _watch(self, stack: AsyncExitStack) -> None:
        wait = feed.SEND_LIMIT_S
        client = await stack.enter_async_context(
            Redis.from_url(settings.REDIS_URL, socket_timeout=wait, socket_connect_timeout=wait)
        )
        words = await stack.enter_async_context(client.pubsub(ignore_subscribe_messages=True))
        await words.subscribe(feed.channel(feed.FOLLOWED))
        while True:
            await self._ask(client)
            due = time.monotonic() + POLL_S
            while (left := due - time.monotonic()) > 0:
                said = await words.get_message(timeout=left)
                if said is not None:
                    self._hear(get_channel_layer().deserialize(said["data"])["groups"])

    async def _ask(self, client: Any) -> None:
        """What Redis knows is the truth; a group that comes to it was not told of, or its word is still on its way."""
        prefix = feed.channel("")
        found: list[bytes] = await client.pubsub_channels(f"{prefix}[ct].*")
        groups = {name.decode().removeprefix(prefix) for name in found}
        new = groups - (self._groups or set())
        self._groups = groups
        if self._failing:
            logger.info("it is known again who looks on")
        self._failing = False
        if new:
            self._on_followed(new)

    def _hear(self, groups: Collection[str]) -> None:
        if self._groups is not None:
            self._groups.update(groups)
        self._on_followed(groups)
