"""Who else looks at a call. Kept in Redis and nowhere else: an entry lives for seconds and is renewed while its page is
open, so a browser that vanished is gone from the list by itself. Without Redis nobody is shown; nothing else suffers.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Collection
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings
from redis.asyncio import Redis

from calls import feed
from calls.selectors.members import Member

logger = logging.getLogger(__name__)

STAYS_S = 15.0
"""Without being renewed. Pages renew with the heads, every 6 s. Measured by the clocks of our own servers"""
SHOWN = 20
"""People in a frame; of the others it says how many they are"""
MOST = 200
"""Pages that are kept for a call; of more, the ones renewed longest ago go"""

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Redis] = WeakKeyDictionary()


def _client() -> Redis:
    """One pool of connections for each loop, and a process has one."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        wait = feed.SEND_LIMIT_S
        _clients[loop] = Redis.from_url(settings.REDIS_URL, socket_timeout=wait, socket_connect_timeout=wait)
    return _clients[loop]


async def close() -> None:
    """The connections of this loop."""
    if (client := _clients.pop(asyncio.get_running_loop(), None)) is not None:
        await client.aclose()


class Presence:
    """One page: where it is, and what it was told last."""

    def __init__(self, member: Member, channel: str) -> None:
        self._tenant = member.tenant_id
        self._user = member.actor.user_id
        self._me = {"id": member.actor.user_id, "name": member.actor.label, "you": True}
        self._entry = json.dumps([channel, member.actor.user_id, member.actor.label])
        self.here: set[UUID] = set()
        self._told: dict[UUID, tuple[list[dict[str, Any]], int]] = {}
        self._failing = False

    async def renew(self, codes: Collection[UUID]) -> tuple[dict[UUID, tuple[list[dict[str, Any]], int]], set[UUID]]:
        """Be at these calls and at no other. Returns what is news to this page, and where it came or left."""
        moved = self.here ^ set(codes)
        try:
            async with asyncio.timeout(feed.SEND_LIMIT_S):
                found = await self._ask(codes)
        except Exception as error:  # noqa: BLE001  the client library raises what it likes; presence is a courtesy
            if not self._failing:
                logger.warning("nobody's presence is known", extra={"error": type(error).__name__})
            self._failing = True
            return {}, set()
        self._failing = False
        self.here = set(codes)
        # To be alone is no news to a page that was told nothing.
        news = {code: seen for code, seen in found.items() if seen != self._told.get(code, ([self._me], 0))}
        self._told = found
        return news, moved

    async def _ask(self, codes: Collection[UUID]) -> dict[UUID, tuple[list[dict[str, Any]], int]]:
        now = time.time()
        async with _client().pipeline(transaction=False) as pipeline:
            for code in self.here - set(codes):
                pipeline.zrem(self._key(code), self._entry)
            for code in codes:
                key = self._key(code)
                pipeline.zadd(key, {self._entry: now})
                pipeline.zremrangebyscore(key, "-inf", f"({now - STAYS_S}")
                pipeline.zremrangebyrank(key, 0, -MOST - 1)
                pipeline.expire(key, int(STAYS_S * 2))
                pipeline.zrange(key, 0, -1)
            answers = await pipeline.execute()
        lists = [answer for answer in answers if isinstance(answer, list)]
        return {code: self._people(entries) for code, entries in zip(codes, lists, strict=True)}

    def _people(self, entries: list[bytes]) -> tuple[list[dict[str, Any]], int]:
        """Each person once, however many pages they have open; and how many more there are."""
        names = {user: label for _, user, label in map(json.loads, entries)}
        people = [
            {"id": user, "name": label, "you": user == self._user}
            for user, label in sorted(names.items(), key=lambda one: (one[1], one[0]))
        ]
        return people[:SHOWN], max(0, len(people) - SHOWN)

    def _key(self, code: UUID) -> str:
        """The tenant's own: nobody else's pages ever name this key."""
        return f"present:{self._tenant.hex}:{code.hex}"
