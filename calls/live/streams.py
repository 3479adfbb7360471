"""What one socket follows: how far each stream was told, what is still owed, and the catching up.

Entries, catching up and the rounds of the heads take turns: what a socket is told stays in order. What PostgreSQL did
not answer for stays owed, and each round of the heads tries again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any
from uuid import UUID

from calls import feed
from calls.domain.roles import Capability
from calls.exceptions import FeedGone, NotFound
from calls.live import protocol, reading
from calls.live.cursor import Cursor, Verdict
from calls.live.database import AWAY
from calls.live.groups import Groups
from calls.live.protocol import Hello, Wanted
from calls.selectors.members import Member

logger = logging.getLogger(__name__)


class Streams:
    """Of one member, told by `tell`. `member` is replaced by who asks again whether they may look."""

    def __init__(self, member: Member, rooms: Groups, tell: Callable[[str], Awaitable[None]]) -> None:
        self.member = member
        self.own_group = feed.user_group(member.actor.user_id or 0)
        self._rooms = rooms
        self._tell = tell
        self._cursors: dict[str, Cursor] = {}
        self._owed: dict[str, Wanted] = {}
        """Streams that something is to be read for, from where; a stream without a cursor is told nothing else"""
        self._order = asyncio.Lock()

    def __contains__(self, stream: str) -> bool:
        return stream in self._cursors

    def calls(self) -> list[UUID]:
        """The calls that are followed, all of them the tenant's own: the others are `gone`."""
        codes = (Wanted(stream).code for stream in self._cursors)
        return [code for code in codes if code is not None]

    async def follow(self, hello: Hello) -> None:
        """Replace what is followed. Groups are joined before PostgreSQL is read, so that nothing falls between."""
        async with self._order:
            self._cursors = {}
            self._owed = {wanted.stream: wanted for wanted in hello.streams}
            groups = {self._group(wanted) for wanted in hello.streams}
            groups.add(self.own_group)
            await self._rooms.leave_all_but(groups)
            await self._rooms.join(groups)
            await self._pay()
            await self._say_followed(groups)

    async def deliver(self, message: dict[str, Any]) -> None:
        """Numbered entries that came over Redis."""
        async with self._order:
            stream = message["stream"]
            cursor = self._cursors.get(stream)
            if cursor is None or stream in self._owed:
                return  # owed: PostgreSQL did not answer a moment ago, so entries do not ask it again, the heads do
            match cursor.judge(message["epoch"], message["first"], message["last"]):
                case Verdict.DELIVER:
                    frame = message["frame"]
                    cursor.advance(message["last"])
                    hidden = message["private"] and not self._reveal
                    await self._tell(protocol.mask_frame(frame) if hidden else frame)
                case Verdict.READ | Verdict.RESET:
                    await self._owe(stream, cursor)
                case Verdict.SKIP:
                    pass

    async def hear_head(self, message: dict[str, Any]) -> None:
        """So far a stream goes that somebody has just begun to follow."""
        async with self._order:
            stream = message["stream"]
            cursor = self._cursors.get(stream)
            if cursor is None or stream in self._owed or cursor.epoch != message["epoch"]:
                return
            if cursor.seq < message["seq"]:
                await self._owe(stream, cursor)

    async def tell_anew(self, first: str) -> None:
        """Everything once more, masked or not as the member's role wants it now; `first` says that it changed."""
        async with self._order:
            await self._tell(first)
            self._owed |= {stream: Wanted(stream) for stream in self._cursors}
            await self._pay()

    async def look_for_holes(self) -> dict[str, int]:
        """The heads of the streams; what Redis lost on the way is read from PostgreSQL, and lost groups are joined.
        Raises one of AWAY."""
        async with self._order:
            followed = {self._group(Wanted(stream)) for stream in [*self._cursors, *self._owed]}
            new = await self._rooms.join(followed | {self.own_group})
            streams = [Wanted(stream, cursor.epoch, cursor.seq) for stream, cursor in self._cursors.items()]
            heads = await reading.heads(self.member, streams)
            for wanted in streams:
                if heads.get(wanted.stream, wanted.seq) > wanted.seq:
                    self._owed[wanted.stream] = wanted
            await self._pay()
            await self._say_followed(new)
            return heads

    @property
    def _reveal(self) -> bool:
        return self.member.actor.may(Capability.REVEAL)

    async def _owe(self, stream: str, cursor: Cursor) -> None:
        self._owed[stream] = Wanted(stream, cursor.epoch, cursor.seq)
        await self._pay()

    async def _pay(self) -> None:
        """Send what is owed. Ends at the first stream that PostgreSQL does not answer for; the heads try again."""
        for wanted in list(self._owed.values()):
            try:
                await self._catch_up(wanted)
            except AWAY as error:
                logger.debug("a feed waits for the database", extra={"error": type(error).__name__})
                return
            del self._owed[wanted.stream]

    async def _catch_up(self, wanted: Wanted) -> None:
        """Send what follows the position: entries, or a snapshot where the past is gone. Raises one of AWAY."""
        try:
            try:
                entries = await reading.entries_after(self.member, wanted)
            except FeedGone:
                found = await reading.snapshot(self.member, wanted)
                self._cursors[wanted.stream] = Cursor(found.epoch, found.seq)
                await self._tell(found.frame)
                return
        except NotFound:
            self._cursors.pop(wanted.stream, None)
            await self._tell(protocol.gone(wanted.stream))
            return
        last = entries[-1]["seq"] if entries else wanted.seq
        self._cursors[wanted.stream] = Cursor(wanted.epoch, last)
        if entries:
            await self._tell(protocol.events(wanted.stream, wanted.epoch, entries, reveal=self._reveal))

    async def _say_followed(self, groups: Collection[str]) -> None:
        """Have the workers announce what they left out while nobody followed, and the words of open turns."""
        if told := [group for group in groups if group != self.own_group]:
            await self._rooms.tell(feed.FOLLOWED, {"type": "followed", "groups": told})

    def _group(self, wanted: Wanted) -> str:
        if wanted.code is None:
            return feed.tenant_group(self.member.tenant_id)
        return feed.call_group(wanted.code)
