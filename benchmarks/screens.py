"""Headless screens that only listen, cheaply: when did which word of which turn arrive?

What they receive is noted raw and read after the measurement, so that parsing does not delay the next frame.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.rig.browser import Browser

ACK_S = 5.0
FRAME_LIMIT = 16 * 2**20


class Screen:
    """One socket on the feed of a tenant."""

    def __init__(self, browser: Browser, slug: str) -> None:
        self.frames: list[tuple[float, str]] = []
        """(wall time of its arrival, frame)"""
        self._url = f"ws://127.0.0.1:{browser.port}/t/{slug}/feed/"
        self._headers = {"Cookie": browser.cookie_header, "Origin": f"http://127.0.0.1:{browser.port}"}

    async def listen(self, calls: Sequence[str], ready: asyncio.Event) -> None:
        """Follow the tenant and these calls until cancelled; `ready` once the first frame is there."""
        async with connect(
            self._url, additional_headers=self._headers, max_size=FRAME_LIMIT, compression=None, proxy=None
        ) as socket:
            streams = [{"stream": name} for name in ("tenant", *(f"call:{code}" for code in calls))]
            await socket.send(json.dumps({"type": "hello", "streams": streams}))
            acks = asyncio.create_task(_acknowledge(socket))
            try:
                with suppress(ConnectionClosed):
                    while True:
                        frame = await socket.recv()
                        self.frames.append((time.time(), str(frame)))
                        ready.set()
            finally:
                acks.cancel()


async def _acknowledge(socket: ClientConnection) -> None:
    with suppress(ConnectionClosed):
        while True:
            await asyncio.sleep(ACK_S)
            await socket.send('{"type":"ack"}')


def arrivals(screens: Iterable[Screen]) -> dict[str, list[tuple[float, float]]]:
    """By item: (when, up to which character its text had arrived), in order of time. A final turn is all of it."""
    found: dict[str, list[tuple[float, float]]] = {}
    for screen in screens:
        for at, text in screen.frames:
            if '"partial"' not in text and '"turn"' not in text:
                continue
            frame = json.loads(text)
            for hint in frame.get("hints", ()):
                if hint["kind"] == "partial":
                    body = hint["body"]
                    found.setdefault(body["item_id"], []).append((at, body["offset"] + len(body["text"])))
            for entry in frame.get("entries", ()):
                if entry["kind"] == "turn" and entry["body"]["status"] != "open":
                    found.setdefault(entry["body"]["item_id"], []).append((at, float("inf")))
    return {item: sorted(seen) for item, seen in found.items()}
