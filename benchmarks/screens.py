"""Headless screens that only listen, cheaply: when did which word of which turn arrive?

What they receive of calls is noted raw and read after the measurement, so that parsing does not delay the next frame.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from benchmarks.sent import Word
from tests.rig.browser import Browser

ACK_S = 5.0
ACK_FRAMES = 50
"""As calls/static/calls/js/feed/socket.js acknowledges"""
FRAME_LIMIT = 16 * 2**20
_TENANT = b'"stream":"tenant"'

Arrivals = dict[tuple[str, str], list[tuple[float, float]]]


class Screen:
    """One socket on the feed of a tenant."""

    def __init__(self, browser: Browser, slug: str) -> None:
        self.frames: list[tuple[float, bytes]] = []
        """(wall time of its arrival, frame) of the calls that are followed"""
        self.count = 0
        self.size = 0
        """Frames and bytes of all"""
        self._url = f"ws://127.0.0.1:{browser.port}/t/{slug}/feed/"
        self._headers = {"Cookie": browser.cookie_header, "Origin": f"http://127.0.0.1:{browser.port}"}

    async def listen(self, calls: Sequence[str], ready: asyncio.Event) -> None:
        """Follow the tenant and these calls until cancelled; `ready` once the first frame is there."""
        async with connect(
            self._url, additional_headers=self._headers, max_size=FRAME_LIMIT, compression=None, proxy=None
        ) as socket:
            streams = [{"stream": name} for name in ("tenant", *(f"call:{code}" for code in calls))]
            await socket.send(json.dumps({"type": "hello", "streams": streams}))
            acks = asyncio.create_task(_keep_acknowledging(socket))
            try:
                with suppress(ConnectionClosed):
                    while True:
                        self._take(await socket.recv(decode=False))
                        ready.set()
                        if self.count % ACK_FRAMES == 0:
                            await socket.send('{"type":"ack"}')
            finally:
                acks.cancel()

    def _take(self, frame: bytes) -> None:
        self.count += 1
        self.size += len(frame)
        if _TENANT not in frame[:80]:
            self.frames.append((time.time(), frame))


async def _keep_acknowledging(socket: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        while True:
            await asyncio.sleep(ACK_S)
            await socket.send('{"type":"ack"}')


def arrivals(screens: Iterable[Screen]) -> Arrivals:
    """By code of the call and item: (when, up to which character its text had arrived), in order of time.

    A final turn is all of it.
    """
    found: Arrivals = {}
    for screen in screens:
        for at, text in screen.frames:
            if b'"partial"' not in text and b'"turn"' not in text:
                continue
            frame = json.loads(text)
            code = frame["stream"].removeprefix("call:")
            for hint in frame.get("hints", ()):
                if hint["kind"] == "partial":
                    body = hint["body"]
                    found.setdefault((code, body["item_id"]), []).append((at, body["offset"] + len(body["text"])))
            for entry in frame.get("entries", ()):
                if entry["kind"] == "turn" and entry["body"]["status"] != "open":
                    found.setdefault((code, entry["body"]["item_id"]), []).append((at, float("inf")))
    return {key: sorted(seen) for key, seen in found.items()}


def delays(words: Iterable[Word], arrived: Arrivals, codes: dict[str, str]) -> list[float]:
    """Seconds from each piece of speech to the first frame on a screen that had it; endless for what never came.

    `codes`: call_id → the code that the call has in the product.
    """
    return [
        next((at for at, upto in arrived.get((codes[word.call_id], word.item), ()) if upto >= word.upto), float("inf"))
        - word.at
        for word in words
    ]
