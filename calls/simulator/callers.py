"""Keeps people calling: so many at once, staggered, each ended call replaced after a pause.

Only decides when somebody calls; what they say is the scenario's.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from calls.simulator import scenarios
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
    troubled: int = 0
    """So many of them always call the first account, at once and about a trouble: somebody always needs help."""
    spread: float | None = None
    """Seconds within which the first calls come"""


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
        crowd = self._crowd
        spread = min(LONGEST_STAGGER_SECONDS, crowd.calls * STAGGER_SECONDS_EACH)
        spread = spread if crowd.spread is None else crowd.spread
        lines = [self._line(self._dice.uniform(0, spread) if n else 0.0) for n in range(crowd.calls - crowd.troubled)]
        await asyncio.gather(*(self._troubled(n) for n in range(crowd.troubled)), *lines)

    async def _troubled(self, first: int) -> None:
        """A telephone of the first account that has one trouble after the other; no two begin with the same."""
        names = itertools.cycle(scenarios.TROUBLES[first:] + scenarios.TROUBLES[:first])
        orders = (replace(self._crowd.order, account=0, scenario=name) for name in names)
        await self._line(0.0, orders)

    async def _line(self, start: float, orders: Iterator[Order] | None = None) -> None:
        """One telephone: a call, a pause, the next call."""
        await self._rest(start)
        while self._provider.taking_calls:
            call = self._place(next(orders) if orders else self._crowd.order)
            await call.ended.wait()
            if not self._crowd.loop:
                return
            await self._rest(self._dice.uniform(*PAUSE_SECONDS))

    async def _arrive(self, rate: float) -> None:
        """Random arrivals, with a bound on how many talk at once. Without the loop, `calls` arrive in all."""
        while self._provider.taking_calls and (self._crowd.loop or self._placed < self._crowd.calls):
            await self._rest(self._dice.expovariate(rate))
            if len(self._provider.calls) < self._crowd.calls and self._provider.taking_calls:
                self._place(self._crowd.order)
        for call in list(self._provider.calls.values()):
            await call.ended.wait()

    def _place(self, order: Order) -> Call:
        self._placed += 1
        seed = draw(self._crowd.seed, self._placed)
        # Tenants take turns, by weight, so that each has calls from the start.
        account = self._turns[self._placed % len(self._turns)] if order.account is None else order.account
        return self._provider.place(replace(order, seed=seed, account=account))

    async def _rest(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._provider.speed)
