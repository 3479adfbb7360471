"""The browser's feed: one socket, who may look, what it keeps up with. Reads only; never writes.

Daphne has no back-pressure, so the reader's own acknowledgements are the measure: who does not keep up gets no hints,
then is closed and comes back with its position.

A socket opens and lives on PostgreSQL alone while Redis is away, and outlives PostgreSQL's absences. What it is told of
its streams, and when, is calls.live.streams' own.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

from autobahn.exception import Disconnected
from channels.consumer import get_handler_name
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from channels.utils import await_many_dispatch
from django.utils import timezone

from calls import feed
from calls.domain.views import iso
from calls.live import access, protocol
from calls.live.access import Refused
from calls.live.channel import channel_of_this_process
from calls.live.database import AWAY
from calls.live.doors import DOORS
from calls.live.groups import Groups
from calls.live.presence import Presence
from calls.live.protocol import Ack, BadFrame, Hello, TooMuch
from calls.live.streams import Streams

logger = logging.getLogger(__name__)

HEARTBEAT_S = 2.0
HEADS_EVERY = 3
"""Every so many heartbeats carry the heads of the streams."""
RECHECK_S = 60.0
LOOK_EVERY_S = 1.0
"""For who else is there"""
FRAMES_PER_S = 20
UNACKED_HINTS = 200
"""Frames without an acknowledgement after which hints are left out …"""
UNACKED_LIMIT_S = 30.0
"""… and for how long the reader may stay so before it is closed."""


class FeedConsumer(AsyncWebsocketConsumer):
    """One socket of one member in one tenant."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.checked_at = -math.inf
        """When it was last asked whether this person may look"""
        self.unacked = 0
        self.behind_since: float | None = None
        self.received: deque[float] = deque(maxlen=FRAMES_PER_S)
        self.pulse: asyncio.Task[None] | None = None
        self.looking: asyncio.Task[None] | None = None
        self.looked_at = -math.inf
        self.presence_turn = asyncio.Lock()
        self.refused = False
        self.entered = False

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """As Channels does it, but with a channel that asks nothing of Redis, and tidied up however it ends."""
        self.scope, self.base_send = scope, partial(_send_unless_gone, send)
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
        self.streams = Streams(self.member, self.rooms, self._tell)
        # What changed between the answer and the joining is asked for at the first heartbeat.
        await self.rooms.join({self.streams.own_group})
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
            if self.looking is not None:
                self.looking.cancel()
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
                await self.streams.follow(frame)
                await self._be_present(self.streams.calls())

    async def feed_entries(self, message: dict[str, Any]) -> None:
        """Numbered entries came over Redis."""
        await self.streams.deliver(message)

    async def feed_hints(self, message: dict[str, Any]) -> None:
        """Unnumbered hints came over Redis: the first thing that a slow reader does without."""
        if message["stream"] not in self.streams:
            return
        if self.unacked < UNACKED_HINTS:
            await self._tell(message["frame"])
        else:
            DOORS.hints_left_out += 1

    async def feed_head(self, message: dict[str, Any]) -> None:
        """So far a stream goes that somebody has just begun to follow."""
        await self.streams.hear_head(message)

    async def feed_presence(self, message: dict[str, Any]) -> None:
        """Somebody came to a call or left it."""
        if message["stream"] in self.streams and not self.refused and self.looking is None:
            self.looking = asyncio.create_task(self._look_around())

    async def _look_around(self) -> None:
        """At once, but not more often than LOOK_EVERY_S: where a crowd comes, each of it tells all the others."""
        await asyncio.sleep(self.looked_at + LOOK_EVERY_S - time.monotonic())
        self.looked_at, self.looking = time.monotonic(), None
        await self._be_present(None)

    async def _be_present(self, codes: Collection[UUID] | None) -> None:
        """Renew where this page is, tell it who else is there, and the others where it came or left. None: it stays
        where it is, and only looks."""
        async with self.presence_turn:
            news, moved = await self.presence.renew(self.presence.here if codes is None else codes)
            for code, (members, more) in news.items():
                await self._tell(protocol.present(f"call:{code}", members, more))
            for code in moved:
                message = {"type": "feed.presence", "stream": f"call:{code}"}
                await self.rooms.tell(feed.call_group(code), message)

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
        self.member = self.streams.member = await access.admit_again(self.scope, self.slug)
        self.checked_at = time.monotonic()
        if self.member.actor.role != before.role:
            await self.streams.tell_anew(protocol.role(self.member.actor))

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
                    heads = await self.streams.look_for_holes()
                    await self._be_present(self.streams.calls())
            except Refused as refusal:
                await self._refuse(refusal)
                return
            except AWAY:
                heads = {}  # the database is away; the next heartbeat asks again
            if self.refused:
                return
            await self.send(text_data=protocol.heartbeat(str(iso(timezone.now())), heads))

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


async def _send_unless_gone(send: Callable[[dict[str, Any]], Awaitable[None]], message: dict[str, Any]) -> None:
    """Daphne raises where the browser left a moment ago; that it left is the next thing that it tells."""
    with suppress(Disconnected):
        await send(message)
