"""An event loop that does things at their exact time, between two looks at its sockets.

Timers of asyncio and uvloop are good to a millisecond, and 1,000 calls send seven frames in one: a receiver would find
them together and be woken once. Frames that come over a network come one by one.
"""

from __future__ import annotations

import asyncio
import ctypes
import math
import selectors
import sys
import time
from collections.abc import Callable

POLL_S = 0.001
"""Between two looks at the sockets, while there is something to do"""
IDLE_POLL_S = 0.05
_SET_TIMER_SLACK = 29
_SLACK_NS = 1_000
"""Linux wakes sleepers up to 50 µs late otherwise"""

Due = Callable[[float], float]
"""Does all that is due at this time (of `time.monotonic`) and returns the time of what comes next"""


def _nothing(now: float) -> float:
    return math.inf


class _Selector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.due: Due = _nothing

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        now = time.monotonic()
        next_at = self.due(now)
        if next_at == math.inf:
            # What was done may have made something of the loop ready, which this timeout knows nothing of.
            return super().select(min(IDLE_POLL_S, math.inf if timeout is None else timeout))
        over = now + min(POLL_S, math.inf if timeout is None else timeout)
        while next_at < over:
            time.sleep(max(0.0, next_at - time.monotonic()))
            next_at = self.due(time.monotonic())
        return super().select(max(0.0, over - time.monotonic()))


class ExactLoop(asyncio.SelectorEventLoop):
    """`do` says what there is to do."""

    def __init__(self) -> None:
        self._exact = _Selector()
        super().__init__(self._exact)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_SET_TIMER_SLACK, _SLACK_NS)

    def do(self, due: Due) -> None:
        self._exact.due = due


def here() -> ExactLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ExactLoop)
    return loop
