"""Conversations prepared by the simulator's own script engine, in simulated time: frames as the provider sends them.

Any number of calls may play the same one: ids of items and events need only be unique within a call.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from calls.simulator.call import Birth, Call
from calls.simulator.clock import Clock
from calls.simulator.faults import Faults
from calls.simulator.ledger import Ledger
from calls.simulator.play import Play
from calls.simulator.scenarios import behaviours
from calls.simulator.script import Step
from calls.simulator.sideband import Sideband
from calls.simulator.webhooks import Account, Invitation

COUNT = 12
LONGEST_S = 600.0
"""Of a conversation as it is played; a measurement is over before"""
EVENTS_PER_S = 7.0
TALKS = (behaviours.long_chat, behaviours.tool_call, behaviours.barge_in_generating, behaviours.barge_in_playing)
"""One after the other, until there is enough to play"""
TALKS_EACH = 9
SESSION = {
    "type": "realtime",
    "model": "gpt-realtime-2.1",
    "audio": {"input": {"transcription": {"model": "gpt-realtime-whisper"}}, "output": {"voice": "marin"}},
}


@dataclass(frozen=True, slots=True)
class Conversation:
    """`times[n]` seconds after the sideband was opened first, `frames[n]` is sent."""

    times: Sequence[float]
    frames: Sequence[bytes]
    """JSON, without the frame of a WebSocket"""


class _Skipping(selectors.SelectSelector):
    """Never waits: the loop's clock jumps to the next timer instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


class _SimulatedTime(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


class _Notepad:
    """Stands where an attached socket stands."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, bytes]] = []

    def send(self, payload: bytes) -> bool:
        self.sent.append((asyncio.get_running_loop().time(), payload))
        return True

    def drop(self, *, reset: bool = False) -> None:
        """The call is over."""


def prepared(count: int = COUNT, seed: int = 1) -> list[Conversation]:
    """The same talks for the same seed, each played so fast that it makes EVENTS_PER_S on average."""
    with asyncio.Runner(loop_factory=_SimulatedTime) as runner:
        return [runner.run(_talk(random.Random(seed + n), n)) for n in range(count)]


async def _talk(dice: random.Random, number: int) -> Conversation:
    account = Account("", "", "", ("+442079460100",))
    call = Call(
        Birth(
            invitation=Invitation(f"prepared-{number}", "+442079460001", "", account.numbers[0], account),
            account=0,
            scenario="prepared",
            clock=Clock(1.0),
            dice=dice,
            ledger=Ledger(),
            faults=(Faults(), Faults()),
        )
    )
    notes = _Notepad()
    call.accept(SESSION)
    await call.live.wait()
    opened = asyncio.get_running_loop().time()
    call.sockets.add(cast(Sideband, notes))
    call.attended.set()
    await Play(call, list(_steps(dice, number))).run()
    faster = len(notes.sent) / (notes.sent[-1][0] - opened) / EVENTS_PER_S
    times = [(at - opened) * faster for at, _ in notes.sent]
    kept = sum(at < LONGEST_S for at in times)
    return Conversation(times[:kept], [raw for _, raw in notes.sent[:kept]])


def _steps(dice: random.Random, number: int) -> Iterator[Step]:
    for n in range(TALKS_EACH):
        yield from behaviours.over_any_desk(TALKS[(number + n) % len(TALKS)])(dice)


def save(conversations: Sequence[Conversation], path: Path) -> None:
    rows: list[Any] = [{"times": one.times, "frames": [raw.decode() for raw in one.frames]} for one in conversations]
    path.write_bytes(orjson.dumps(rows))


def load(path: Path) -> list[Conversation]:
    rows = orjson.loads(path.read_bytes())
    return [Conversation(one["times"], [raw.encode() for raw in one["frames"]]) for one in rows]
