"""The browser's feed: subscribe, catch up from PostgreSQL, deliver, shed. Reads only; never writes.

Daphne has no back-pressure, so the reader's own acknowledgements are the measure: who does not keep up gets no hints,
then is closed and comes back with its position.

A socket opens and lives on PostgreSQL alone while Redis is away, and outlives PostgreSQL's absences: what it could not
read stays owed, and each round of the heads tries again.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Collection
from functools import partial
from typing import Any
from uuid import UUID

from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.utils import await_many_dispatch
from django.utils import timezone

from calls import feed
from calls.domain.roles import Capability
from calls.domain.views import iso
from calls.exceptions import FeedGone, NotFound
from calls.live import access, protocol, reading
from calls.live.access import Refused
from calls.live.channel import channel_of_this_process
from calls.live.cursor import Cursor, Verdict
from calls.live.database import AWAY
from calls.live.doors import DOORS
from calls.live.groups import Groups
from calls.live.presence import Presence
from calls.live.protocol import Ack, BadFrame, Hello, TooMuch, Wanted

logger = logging.getLogger(__name__)

HEARTBEAT_S = 2.0
HEADS_EVERY = 3
"""Every so many heartbeats carry the heads of the streams."""
RECHECK_S = 60.0
FRAMES_PER_S = 20
UNACKED_HINTS = 200
"""Frames without an acknowledgement after which hints are left out …"""
UNACKED_LIMIT_S = 30.0
"""… and for how long the reader may stay so before it is closed."""


class FeedConsumer(AsyncWebsocketConsumer):
    """One socket of one member in one tenant."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cursors: dict[str, Cursor] = {}
        self.owed: dict[str, Wanted] = {}
        """Streams that something is to be read for, from where; a stream without a cursor is told nothing else"""
        self.checked_at = -math.inf
        """When it was last asked whether this person may look"""
        self.unacked = 0
        self.behind_since: float | None = None
        self.received: deque[float] = deque(maxlen=FRAMES_PER_S)
        self.pulse: asyncio.Task[None] | None = None
        self.refused = False
        self.entered = False
        self.order = asyncio.Lock()
        """Entries, catching up and the pulse take turns: what a socket is told stays in order"""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """As Channels does it, but with a channel that asks nothing of Redis, and tidied up however it ends."""
        self.scope, self.base_send = scope, send
        self.channel_layer = get_channel_layer(self.channel_layer_alias)
        with channel_of_this_process(self.channel_layer) as self.channel_name:
            self.rooms = Groups(self.channel_layer, self.channel_name)
            heard = partial(self.channel_layer.receive, self.channel_name)
            try:
                await await_many_dispatch([receive, heard], self.dispatch)
            except StopConsumer:
                pass
            finally:
                await self._let_go()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels does it, but without closing old database connections first.

        That waits for the one thread that all sockets share, before every hint. Our reads close theirs themselves.
        """
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        self.slug = self.scope["url_route"]["kwargs"]["slug"]
        await self.accept()
        try:
            self.member = await access.admit(self.scope, self.slug)
            DOORS.enter(self.member)
            self.entered = True
        except Refused as refusal:
            await self._refuse(refusal)
            return
        except AWAY:
            self.refused = True
            await self.close(code=access.DATABASE_AWAY)
            return
        self.reveal = self.member.actor.may(Capability.REVEAL)
        self.own_group = feed.user_group(self.member.actor.user_id or 0)
        # What changed between the answer and the joining is asked for at the first heartbeat.
        await self.rooms.join({self.own_group})
        self.presence = Presence(self.member, self.channel_name)
        self.pulse = asyncio.create_task(self._beat())

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        """The rest is `_let_go`'s, which also comes when the server ends this socket by itself."""
        raise StopConsumer

    async def _let_go(self) -> None:
        if self.entered:
            DOORS.leave(self.member)
        if self.pulse is not None:
            self.pulse.cancel()
            await self._be_present(())
        await self.rooms.leave_all_but(())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.refused:
            return  # said before our close arrived there
        now = time.monotonic()
        if len(self.received) == FRAMES_PER_S and now - self.received[0] < 1:
            await self._refuse(Refused(access.TOO_MANY, "Too many frames."))
            return
        self.received.append(now)
        try:
            frame = protocol.read(text_data or "")
        except BadFrame as bad:
            await self._refuse(Refused(access.BAD_FRAME, str(bad)))
            return
        except TooMuch as much:
            await self._refuse(Refused(access.TOO_MANY, str(much)))
            return
        match frame:
            case Ack():
                self.unacked, self.behind_since = 0, None
            case Hello():
                async with self.order:
                    await self._follow(frame)
                await self._be_present(self._calls())

    async def feed_entries(self, message: dict[str, Any]) -> None:
        """Numbered entries came over Redis."""
        async with self.order:
            await self._deliver(message)

    async def _deliver(self, message: dict[str, Any]) -> None:
        stream = message["stream"]
        cursor = self.cursors.get(stream)
        if cursor is None or stream in self.owed:
            return  # owed: PostgreSQL did not answer a moment ago, so entries do not ask it again, the heads do
        match cursor.judge(message["epoch"], message["first"], message["last"]):
            case Verdict.DELIVER:
                frame = message["frame"]
                cursor.advance(message["last"])
                await self._tell(protocol.mask_frame(frame) if message["private"] and not self.reveal else frame)
            case Verdict.READ | Verdict.RESET:
                self.owed[stream] = Wanted(stream, cursor.epoch, cursor.seq)
                await self._pay()
            case Verdict.SKIP:
                pass

    async def feed_hints(self, message: dict[str, Any]) -> None:
        """Unnumbered hints came over Redis: the first thing that a slow reader does without."""
        if message["stream"] not in self.cursors:
            return
        if self.unacked < UNACKED_HINTS:
            await self._tell(message["frame"])
        else:
            DOORS.hints_left_out += 1

    async def feed_head(self, message: dict[str, Any]) -> None:
        """So far a stream goes that somebody has just begun to follow."""
        async with self.order:
            stream = message["stream"]
            cursor = self.cursors.get(stream)
            if cursor is None or stream in self.owed or cursor.epoch != message["epoch"]:
                return
            if cursor.seq < message["seq"]:
                self.owed[stream] = Wanted(stream, cursor.epoch, cursor.seq)
                await self._pay()

    async def feed_presence(self, message: dict[str, Any]) -> None:
        """Somebody came to a call or left it."""
        if message["stream"] in self.cursors and not self.refused:
            await self._be_present(self._calls(), quietly=True)

    async def _be_present(self, codes: Collection[UUID], *, quietly: bool = False) -> None:
        """Renew where this page is, tell it who else is there, and the others where it came or left."""
        news, moved = await self.presence.renew(codes)
        for code, (members, more) in news.items():
            await self._tell(protocol.present(f"call:{code}", members, more))
        for code in () if quietly else moved:
            message = {"type": "feed.presence", "stream": f"call:{code}"}
            await self.rooms.tell(feed.call_group(code), message)

    def _calls(self) -> list[UUID]:
        """The calls that this page follows, all of them its tenant's own: the others are `gone`."""
        codes = (Wanted(stream).code for stream in self.cursors)
        return [code for code in codes if code is not None]

    async def access_changed(self, message: dict[str, Any]) -> None:
        """This person's role, membership or session changed: ask at once, not at the next round."""
        if self.refused:
            return
        try:
            await self._check()
        except Refused as refusal:
            await self._refuse(refusal)
        except AWAY:
            self.checked_at = -math.inf  # the database is away; the next heartbeat asks again

    async def _check(self) -> None:
        """May this person still look, and at how much? Raises Refused or one of AWAY."""
        before = self.member.actor
        self.member = await access.admit_again(self.scope, self.slug)
        self.checked_at = time.monotonic()
        if self.member.actor.role == before.role:
            return
        async with self.order:
            self.reveal = self.member.actor.may(Capability.REVEAL)
            await self._tell(protocol.role(self.member.actor))
            # What was told under the other role is told anew, masked or not.
            self.owed |= {stream: Wanted(stream) for stream in self.cursors}
            await self._pay()

    async def _follow(self, hello: Hello) -> None:
        """Replace what is followed. Groups are joined before PostgreSQL is read, so that nothing falls between."""
        self.cursors = {}
        self.owed = {wanted.stream: wanted for wanted in hello.streams}
        groups = {self._group(wanted) for wanted in hello.streams}
        groups.add(self.own_group)
        await self.rooms.leave_all_but(groups)
        await self.rooms.join(groups)
        await self._pay()
        await self._say_followed(groups)

    async def _say_followed(self, groups: Collection[str]) -> None:
        """Have the workers announce what they left out while nobody followed, and the words of open turns."""
        if told := [group for group in groups if group != self.own_group]:
            await self.rooms.tell(feed.FOLLOWED, {"type": "followed", "groups": told})

    async def _pay(self) -> None:
        """Send what is owed. Ends at the first stream that PostgreSQL does not answer for; the heads try again."""
        for wanted in list(self.owed.values()):
            try:
                await self._catch_up(wanted)
            except AWAY as error:
                logger.debug("a feed waits for the database", extra={"error": type(error).__name__})
                return
            del self.owed[wanted.stream]

    async def _catch_up(self, wanted: Wanted) -> None:
        """Send what follows the position: entries, or a snapshot where the past is gone. Raises one of AWAY."""
        try:
            try:
                entries = await reading.entries_after(self.member, wanted)
            except FeedGone:
                found = await reading.snapshot(self.member, wanted)
                self.cursors[wanted.stream] = Cursor(found.epoch, found.seq)
                await self._tell(found.frame)
                return
        except NotFound:
            self.cursors.pop(wanted.stream, None)
            await self._tell(protocol.gone(wanted.stream))
            return
        last = entries[-1]["seq"] if entries else wanted.seq
        self.cursors[wanted.stream] = Cursor(wanted.epoch, last)
        if entries:
            await self._tell(protocol.events(wanted.stream, wanted.epoch, entries, reveal=self.reveal))

    async def _beat(self) -> None:
        """Heartbeats, heads, and the question whether this person may still look."""
        for count in range(1, 1 << 62):
            await asyncio.sleep(HEARTBEAT_S)
            try:
                if time.monotonic() - self.checked_at > RECHECK_S:
                    await self._check()
                await self._shed()
                heads = {}
                if count % HEADS_EVERY == 0:
                    heads = await self._look_for_holes()
                    await self._be_present(self._calls())
            except Refused as refusal:
                await self._refuse(refusal)
                return
            except AWAY:
                heads = {}  # the database is away; the next heartbeat asks again
            if self.refused:
                return
            await self.send(text_data=protocol.heartbeat(str(iso(timezone.now())), heads))

    async def _look_for_holes(self) -> dict[str, int]:
        """The heads of the streams; what Redis lost on the way is read from PostgreSQL, and lost groups are joined."""
        async with self.order:
            followed = {self._group(Wanted(stream)) for stream in [*self.cursors, *self.owed]}
            new = await self.rooms.join(followed | {self.own_group})
            streams = [Wanted(stream, cursor.epoch, cursor.seq) for stream, cursor in self.cursors.items()]
            heads = await reading.heads(self.member, streams)
            for wanted in streams:
                if heads.get(wanted.stream, wanted.seq) > wanted.seq:
                    self.owed[wanted.stream] = wanted
            await self._pay()
            await self._say_followed(new)
            return heads

    async def _shed(self) -> None:
        if self.unacked < UNACKED_HINTS:
            return
        self.behind_since = self.behind_since or time.monotonic()
        if time.monotonic() - self.behind_since > UNACKED_LIMIT_S:
            raise Refused(access.TOO_SLOW, "This page did not keep up.")

    async def _tell(self, frame: str) -> None:
        if self.refused:
            return
        for piece in protocol.pieces(frame):
            self.unacked += 1
            await self.send(text_data=piece)

    async def _refuse(self, refusal: Refused) -> None:
        self.refused = True
        DOORS.turned_away += refusal.code == access.TOO_MANY
        DOORS.readers_closed += refusal.code == access.TOO_SLOW
        await self.send(text_data=protocol.error(str(refusal.code), refusal.message))
        await self.close(code=refusal.code)
        if self.pulse is not None:
            await self._be_present(())

    def _group(self, wanted: Wanted) -> str:
        if wanted.code is None:
            return feed.tenant_group(self.member.tenant_id)
        return feed.call_group(wanted.code)
