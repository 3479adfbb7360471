"""Keeps people calling: so many at once, staggered, each ended call replaced after a pause.

Only decides when somebody calls; what they say is the scenario's.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, replace

from calls.simulator.call import Call
from calls.simulator.provider import Order, Provider, draw

STAGGER_SECONDS_EACH = 0.6
LONGEST_STAGGER_SECONDS = 60.0
PAUSE_SECONDS = (1.0, 5.0)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who calls, and how often."""

    calls: int
    loop: bool
    order: Order
    arrivals_per_second: float | None = None
    seed: int | None = None


class Callers:
    """A crowd calling one provider."""

    def __init__(self, provider: Provider, crowd: Crowd) -> None:
        self._provider = provider
        self._crowd = crowd
        self._dice = random.Random(crowd.seed)
        self._placed = 0
        self._turns = [n for n, account in enumerate(provider.accounts) for _ in range(account.weight)]

    async def run(self) -> None:
        """Return when nobody will call any more."""
        if self._crowd.arrivals_per_second:
            await self._arrive(self._crowd.arrivals_per_second)
            return
        spread = min(LONGEST_STAGGER_SECONDS, self._crowd.calls * STAGGER_SECONDS_EACH)
        await asyncio.gather(
            *(self._line(self._dice.uniform(0, spread) if n else 0.0) for n in range(self._crowd.calls))
        )

    async def _line(self, start: float) -> None:
        """One telephone: a call, a pause, the next call."""
        await self._rest(start)
        while self._provider.taking_calls:
            call = self._place()
            await call.ended.wait()
            if not self._crowd.loop:
                return
            await self._rest(self._dice.uniform(*PAUSE_SECONDS))

    async def _arrive(self, rate: float) -> None:
        """Random arrivals, with a bound on how many talk at once. Without the loop, `calls` arrive in all."""
        while self._provider.taking_calls and (self._crowd.loop or self._placed < self._crowd.calls):
            await self._rest(self._dice.expovariate(rate))
            if len(self._provider.calls) < self._crowd.calls and self._provider.taking_calls:
                self._place()
        for call in list(self._provider.calls.values()):
            await call.ended.wait()

    def _place(self) -> Call:
        self._placed += 1
        seed = draw(self._crowd.seed, self._placed)
        # Tenants take turns, by weight, so that each has calls from the start.
        account = self._turns[self._placed % len(self._turns)]
        return self._provider.place(replace(self._crowd.order, seed=seed, account=account))

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._provider.speed)
