"""Hundreds of browsers that come back within a second, each with the position at which it fell asleep."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect

from tests.rig.browser import Browser

WITHIN_S = 1.0
LIMIT_S = 40.0
Position = dict[str, Any]
"""As a `hello` has it: stream, epoch, seq"""


@dataclass
class Resumed:
    """One browser: how long until it was told what it missed, whether by entries, and holes in these."""

    seconds: float = LIMIT_S
    replayed: bool = False
    holes: int = 0
    frames: list[str] = field(default_factory=list)


def resume(pages: Sequence[tuple[Browser, str]], positions: dict[str, Position], count: int) -> list[Resumed]:
    """`count` browsers of these people (and their tenants' slugs), by turns, spread over WITHIN_S; returns when each was
    told, or after LIMIT_S."""

    async def all_of_them() -> list[Resumed]:
        turns = (pages[n % len(pages)] for n in range(count))
        return await asyncio.gather(
            *(_one(*page, positions[page[1]], n / count * WITHIN_S) for n, page in enumerate(turns))
        )

    return asyncio.run(all_of_them())


async def _one(browser: Browser, slug: str, position: Position, after_s: float) -> Resumed:
    await asyncio.sleep(after_s)
    found, begun = Resumed(), time.monotonic()
    origin = f"http://127.0.0.1:{browser.port}"
    headers = {"Cookie": browser.cookie_header, "Origin": origin}
    url = f"ws://127.0.0.1:{browser.port}/t/{slug}/feed/"
    try:
        async with (
            asyncio.timeout(LIMIT_S),
            connect(url, additional_headers=headers, open_timeout=LIMIT_S, max_size=None, proxy=None) as socket,
        ):
            await socket.send(json.dumps({"type": "hello", "streams": [position]}))
            async for text in socket:
                found.frames.append(json.loads(text)["type"])
                if take(found, json.loads(text), position):
                    found.seconds = time.monotonic() - begun
                    break
    except (TimeoutError, OSError):
        found.seconds = LIMIT_S
    return found


def take(found: Resumed, frame: dict[str, Any], position: Position) -> bool:
    """Note what a frame says; True where it tells what was missed since the position. Pure."""
    if frame["type"] == "events" and frame["stream"] == position["stream"]:
        numbers = [entry["seq"] for entry in frame["entries"]]
        found.holes += numbers != list(range(position["seq"] + 1, position["seq"] + 1 + len(numbers)))
        found.replayed = True
        return True
    return frame["type"] in {"snapshot", "piece"}
