"""The source itself: lets people call, and tells what it has sent. What it was told to do is in `control`."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from benchmarks.source.playing import Played, Playing
from calls.simulator.clock import Clock
from calls.simulator.ledger import Ledger
from calls.simulator.webhooks import Account, Courier, Invitation

PAUSE_S = 1.0
"""Between a call that ended and the one in its place, where the number of calls is to be kept"""


class Source:
    """Accounts, and the calls to them."""

    def __init__(self, account: Account, playing: Playing, http: aiohttp.ClientSession, ledger: Ledger) -> None:
        self.playing = playing
        self.ledger = ledger
        self._account = account
        self._courier = Courier(http, ledger)
        self._clock = Clock(1.0)
        self._tasks: set[asyncio.Task[None]] = set()
        self._callers = itertools.count(60_000)
        self._keeping = False
        self._lasts: float | None = None
        playing.ended = self._replace

    def control(self, what: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """`calls` {count, per_s (all at once without), keep, lasts}: they begin to come. `open` {count}: they are
        there, and nobody is told but who asks. `drop` {share}: sockets are cut. `end`: all hang up. `state`.
        """
        match what:
            case "calls":
                self._keeping = bool(asked.get("keep"))
                self._lasts = asked.get("lasts")
                self._beside(self._arrive(int(asked["count"]), asked.get("per_s")))
            case "open":
                return {"calls": [self.playing.open().id for _ in range(int(asked["count"]))]}
            case "end":
                self._keeping = False
                for call in list(self.playing.calls.values()):
                    self.playing.end(call, "caller_hang_up")
            case "drop":
                self._drop(float(asked["share"]))
        self.playing.flush()
        attached = sum(bool(call.sockets) for call in self.playing.calls.values())
        return {"frames": self.playing.frames, "calls": len(self.playing.calls), "attached": attached}

    async def _arrive(self, count: int, per_s: float | None) -> None:
        begun = self._clock.elapsed()
        for n in range(count):
            if per_s:
                await asyncio.sleep(begun + n / per_s - self._clock.elapsed())
            self._ring()

    def _ring(self) -> None:
        call = self.playing.ring()
        if self._lasts:
            seconds = random.uniform(0.2, 1) * self._lasts
            asyncio.get_running_loop().call_later(seconds, self.playing.end, call, "caller_hang_up")
        caller = f"+4420794{next(self._callers):05d}"
        numbers: Sequence[str] = self._account.numbers
        invitation = Invitation(call.id, caller, "Bench", numbers[call.number % len(numbers)], self._account)
        self._beside(self._courier.deliver(invitation, self._clock, []))

    def _replace(self, call: Played) -> None:
        if self._keeping:
            asyncio.get_running_loop().call_later(PAUSE_S, self._ring)

    def _drop(self, share: float) -> None:
        """Cut the sockets of some calls, which live on."""
        for call in self.playing.calls.values():
            if call.sockets and random.random() < share:
                for socket in call.sockets:
                    socket.abort()

    def _beside(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
