"""The groups of one socket in the channel layer. Redis may be away: what could not be joined is tried again later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from calls import feed

logger = logging.getLogger(__name__)


class Groups:
    """Where one channel is known. Joining and leaving take SEND_LIMIT_S at most, all groups at once."""

    def __init__(self, layer: Any, channel: str) -> None:
        self._layer = layer
        self._channel = channel
        self._entered: set[str] = set()
        """Where the layer knows us, whatever Redis said; to be left at the end"""
        self._joined: set[str] = set()
        self._failing = False

    async def join(self, groups: Iterable[str]) -> set[str]:
        """Entries of a group that could not be joined come with the heads: later, but all of them.

        Returns those where it is new.
        """
        new = set(groups) - self._joined
        await asyncio.gather(*(self._join(group) for group in new))
        return new & self._joined

    async def leave_all_but(self, groups: Iterable[str]) -> None:
        """The layer forgets us first, then tells Redis."""
        await asyncio.gather(*(self._leave(group) for group in self._entered - set(groups)))

    async def tell(self, group: str, message: dict[str, Any]) -> None:
        """Everybody in a group, this channel included. Lost without Redis."""
        await self._ask(lambda name, _: self._layer.group_send(name, message), group)

    async def _join(self, group: str) -> None:
        self._entered.add(group)
        if await self._ask(self._layer.group_add, group):
            self._joined.add(group)

    async def _leave(self, group: str) -> None:
        self._entered.discard(group)
        self._joined.discard(group)
        await self._ask(self._layer.group_discard, group)

    async def _ask(self, wish: Callable[[str, str], Awaitable[None]], group: str) -> bool:
        """True where Redis answered in time. Whatever it does instead, this socket goes on without it."""
        try:
            async with asyncio.timeout(feed.SEND_LIMIT_S):
                await wish(group, self._channel)
        except Exception as error:  # noqa: BLE001  the client library raises what it likes
            if not self._failing:
                logger.warning("a feed is without Redis", extra={"error": type(error).__name__})
            self._failing = True
            return False
        self._failing = False
        return True
