"""What the workers of a busy tenant would announce, at a given pace: run as a process of the rig's own environment.

Arguments: tenant, its stream's epoch, the code of the call that is looked at, that call's last number, rows in one
message, such messages a second, events a second of the call. The codes of the other calls come on the standard input,
one a line.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import django
from channels.layers import get_channel_layer

from calls.domain.views import iso

WORDS = ("I", "would", "like", "to", "move", "my", "appointment", "if", "that", "is", "still", "possible,", "please")
FLOORS = ("listening", "speaking", "thinking")
TURN_EVENTS = 20
"""Partial words of a turn before its final shape"""


async def main(
    tenant: str, epoch: str, looked_at: str, last: int, at_once: int, messages: float, events: float
) -> None:
    from calls import feed  # needs the settings

    layer = get_channel_layer()
    codes = [line.strip() for line in sys.stdin]
    dice = random.Random(1)

    def row(number: int) -> dict[str, object]:
        code = codes[number % len(codes)] if number % 3 else dice.choice(codes)
        return {"kind": "row", "body": {"code": code} | _row(dice)}

    async def rows(number: int) -> None:
        hints = [row(number * at_once + n) for n in range(at_once)]
        await layer.group_send(feed.tenant_group(tenant), _hints("tenant", hints))

    turns = itertools.count(1)
    said = {"item": "", "words": "", "seq": last}

    async def event(number: int) -> None:
        if number % TURN_EVENTS == 0:
            said["item"], said["words"] = f"bench_{next(turns)}", ""
        if number % TURN_EVENTS == TURN_EVENTS - 1:
            said["seq"] += 1
            entry = {"seq": said["seq"], "kind": "turn", "at": iso(_now()), "body": _turn(said["item"], said["words"])}
            message = feed.entries_message(f"call:{looked_at}", epoch, [entry])
        else:
            more = f"{dice.choice(WORDS)} "
            body = {"item_id": said["item"], "rank": _rank(said["item"]), "speaker": "agent"}
            body |= {"offset": len(said["words"]), "text": more}
            said["words"] += more
            hints = [{"kind": "partial", "body": body}, {"kind": "row", "body": _row(dice)}]
            message = _hints(f"call:{looked_at}", hints)
        await layer.group_send(feed.call_group(looked_at), message)

    print("ready", flush=True)
    await asyncio.gather(_paced(rows, messages), _paced(event, events))


async def _paced(work: Callable[[int], Awaitable[None]], per_s: float) -> None:
    begun = time.monotonic()
    for number in itertools.count():
        await asyncio.sleep(max(0.0, begun + number / per_s - time.monotonic()))
        await work(number)


def _hints(stream: str, hints: list[dict[str, object]]) -> dict[str, str]:
    frame = json.dumps({"type": "hint", "stream": stream, "hints": hints}, separators=(",", ":"))
    return {"type": "feed.hints", "stream": stream, "frame": frame}


def _row(dice: random.Random) -> dict[str, object]:
    floor = dice.choice(FLOORS)
    words = " ".join(dice.choices(WORDS, k=dice.randint(2, 20)))
    return {
        "floor": floor,
        "quiet_since": None,
        "last_words": words,
        "last_speaker": "agent" if floor == "speaking" else "caller",
        # Real calls yield several events a second: nobody here falls silent for being updated every 15 s.
        "last_event_at": iso(_now() + timedelta(hours=1)),
        "reply_ms": dice.randint(400, 1_600),
    }


def _turn(item: str, words: str) -> dict[str, object]:
    empty = {"heard_text": None, "heard_ms": None, "name": "", "tool_call_id": "", "arguments": "", "output": ""}
    rest = {"transcription": None, "response_id": "", "reply_ms": 700, "command_id": None, "steps": []}
    shape = {"item_id": item, "rank": _rank(item), "kind": "message", "speaker": "agent", "status": "completed"}
    times = {"started_at": iso(_now() - timedelta(seconds=1)), "ended_at": iso(_now())}
    return shape | empty | rest | times | {"text": words}


def _rank(item: str) -> float:
    return 10_000.0 + float(item.removeprefix("bench_"))


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    django.setup()
    names, (seq, together, *paces) = sys.argv[1:4], sys.argv[4:8]
    asyncio.run(main(*names, int(seq), int(together), *map(float, paces)))  # type: ignore[arg-type]
