"""A page of the console, seen from its WebSocket: the whole stack, with sessions, PostgreSQL and Redis."""

from __future__ import annotations

import asyncio
import json
import threading
import warnings
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connections

from calls import feed
from calls.live import database, presence
from calls.models import Call
from tests.conftest import Person

LIMIT_S = 30.0
"""For what comes: on a busy machine it comes late"""


@cache
def console() -> Any:
    """The application as it is served, origin check and sign-in included."""
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # whitenoise: no static files were collected
        from realtime_ops.asgi import application
    return application


class Page:
    def __init__(self, socket: WebsocketCommunicator) -> None:
        self.socket = socket
        self.beats: list[dict[str, Any]] = []
        self.close_code: int | None = None

    async def say(self, **frame: Any) -> None:
        await self.socket.send_to(text_data=json.dumps(frame))

    async def hello(self, *streams: str | dict[str, Any]) -> None:
        wanted = [{"stream": stream} if isinstance(stream, str) else stream for stream in streams]
        await self.say(type="hello", streams=wanted)

    async def frame(self) -> dict[str, Any]:
        """The next frame that is no heartbeat."""
        while True:
            output = await self.socket.receive_output(timeout=LIMIT_S)
            if output["type"] == "websocket.close":
                self.close_code = output["code"]
                raise AssertionError(f"closed with {self.close_code}")
            frame = json.loads(output["text"])
            if frame["type"] != "heartbeat":
                return frame
            self.beats.append(frame)

    async def beat(self) -> dict[str, Any]:
        """The next heartbeat, whatever comes before it."""
        while True:
            frame = json.loads((await self.socket.receive_output(timeout=LIMIT_S))["text"])
            if frame["type"] == "heartbeat":
                return frame

    async def refusal(self) -> int:
        """The close code, which is also the code of the error before it; nothing follows."""
        told = None
        while True:
            output = await self.socket.receive_output(timeout=LIMIT_S)
            if output["type"] == "websocket.close":
                assert told == str(output["code"])
                return output["code"]
            frame = json.loads(output["text"])
            if frame["type"] == "error":
                assert frame["message"]
                told = frame["code"]

    async def nothing(self) -> bool:
        return await self.socket.receive_nothing(timeout=0.1, interval=0.02)

    async def opened(self, stream: str) -> dict[str, Any]:
        """Follow one stream from nothing; its snapshot."""
        await self.hello(stream)
        return await self.frame()


def stream_of(call: Call) -> str:
    return f"call:{call.code}"


async def push(group: str, stream: str, epoch: str, *seqs: int, private: bool = False, **body: Any) -> None:
    """Announce entries as a worker does."""
    entries = [
        {"seq": seq, "kind": "call", "at": "2026-11-20T12:00:00.000Z", "body": {"n": seq, **body}} for seq in seqs
    ]
    await get_channel_layer().group_send(group, feed.entries_message(stream, epoch, entries, private=private))


async def hint(group: str, stream: str, **body: Any) -> None:
    frame = json.dumps({"type": "hint", "stream": stream, "hints": [{"kind": "row", "body": body}]})
    await get_channel_layer().group_send(group, {"type": "feed.hints", "stream": stream, "frame": frame})


@asynccontextmanager
async def page(person: Person | None, slug: str = "acme", cookie: str | None = None):
    if cookie is None and person is not None:
        cookie = await sync_to_async(lambda: person.client.cookies[settings.SESSION_COOKIE_NAME].value)()
    headers = [(b"origin", b"http://localhost")]
    if cookie:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))
    socket = WebsocketCommunicator(console(), f"/t/{slug}/feed/", headers=headers)
    connected, _ = await socket.connect(timeout=LIMIT_S)
    assert connected
    try:
        yield Page(socket)
    finally:
        await socket.disconnect(timeout=LIMIT_S)


async def everything_closed() -> None:
    """Redis connections of this loop, before it ends; and reads of the feed, which outlive the socket that asked."""
    await get_channel_layer().flush()
    await presence.close()
    together = threading.Barrier(database.THREADS)

    def rest() -> None:
        together.wait(LIMIT_S)
        connections.close_all()

    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.run_in_executor(database._desk.threads, rest) for _ in range(database.THREADS)))
