"""How fresh the proof is that this process owns its calls, and what follows from its age.

Two faults are told apart. *Silence* of PostgreSQL may concern this process alone: after FENCE_S nothing is sent and
every socket is dropped, 3 s before anybody else may take the calls. A *refusal* (nobody listens, or the server says
that it is starting or stopping) concerns everybody, and nobody can take a lease: nothing is sent, reading goes on and
what was heard waits. A process that was stopped and wakes has asked nobody yet: it asks once, at once, and until the
answer is there nothing leaves it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from calls.actions.leases import FENCE_S, RENEW_S

logger = logging.getLogger(__name__)

WATCH_S = 0.25
OVERDUE_S = RENEW_S + 1.0
"""A renewal that is so late makes the watch ask whether the server refuses everybody"""
PAUSE_S = 2.0
"""A tick so late: the process was stopped, its machine slept, or something blocked the loop"""
LAG_ALARM_MS = 250
"""A loop that answers so late does not keep up"""
ALARM_EVERY_S = 60.0
PROBE_S = 1.0
"""Longest wait for a probe: the calls are dropped that much later at most"""
ASK_S = 5.0
"""Longest wait for the answer to one who wakes: its loop has all that came meanwhile before it. Nothing leaves it"""
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    """Seconds on a clock that runs on while the machine sleeps, where there is one."""
    return time.clock_gettime(_CLOCK)


class Fence:
    """One per process. `watch` runs beside the renewals; the others only ask."""

    def __init__(self) -> None:
        self._renewed_at = self._refused_at = now()
        self._lag = 0.0
        self._alarmed_at = -ALARM_EVERY_S

    def take_lag(self) -> float:
        """The longest time in seconds by which the loop was late since this was asked last."""
        lag, self._lag = self._lag, 0.0
        return lag

    def renewed(self, asked_at: float) -> None:
        """PostgreSQL prolonged the leases in answer to what was asked then."""
        self._renewed_at = max(self._renewed_at, asked_at)

    def refused(self) -> None:
        """PostgreSQL is down for everybody at this moment."""
        self._refused_at = now()

    def may_send(self) -> bool:
        """Somebody who asks the provider for something must be the owner, provably."""
        return now() - self._renewed_at < FENCE_S

    def holds(self) -> bool:
        """Nobody else can own the calls yet."""
        return self._left() > 0

    def _left(self) -> float:
        """Seconds until somebody else may own the calls, less the margin of FENCE_S"""
        return max(self._renewed_at, self._refused_at) + FENCE_S - now()

    async def watch(
        self, ask: Callable[[], Awaitable[bool]], refuses: Callable[[], Awaitable[bool]], let_go: Callable[[], int]
    ) -> None:
        """For ever. `ask` renews, False without an answer; `let_go` drops every socket and says how many they were."""
        ticked_at = now()
        while True:
            await asyncio.sleep(WATCH_S)
            late = now() - ticked_at - WATCH_S
            self._note(late)
            if late > PAUSE_S:
                logger.warning("the loop stood still", extra={"seconds": round(late, 1)})
                # It owes PostgreSQL a question before it concludes anything from a silence that was its own.
                if not self.may_send():
                    await _within(ASK_S, ask)
            # A probe that gets no answer must not keep the calls longer; where time is up it may just save them.
            overdue = now() - self._renewed_at >= OVERDUE_S
            if overdue and await _within(min(PROBE_S, max(self._left(), WATCH_S)), refuses):
                self.refused()
            if not self.holds() and (dropped := let_go()):
                logger.error("PostgreSQL is silent; its calls may be somebody else's", extra={"calls": dropped})
            ticked_at = now()

    def _note(self, late: float) -> None:
        self._lag = max(self._lag, late)
        if late * 1000 > LAG_ALARM_MS and now() - self._alarmed_at >= ALARM_EVERY_S:
            self._alarmed_at = now()
            logger.warning("the loop lags", extra={"milliseconds": round(late * 1000)})


async def _within(seconds: float, question: Callable[[], Awaitable[bool]]) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await question()
    except TimeoutError:
        return False
