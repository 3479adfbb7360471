"""Times of a simulated call, all divided by one speed.

Never tells wall time to a script: a talk at speed 60 takes the same simulated seconds as one at natural pace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# Below this a real sleep costs more than it waits; naps are saved up until they are worth one.
SHORTEST_SLEEP = 0.001


class Clock:
    """Simulated seconds since the clock was made, and waits in simulated seconds."""

    def __init__(self, speed: float) -> None:
        if speed <= 0:
            raise ValueError("speed must be positive")
        self.speed = speed
        self._loop = asyncio.get_running_loop()
        self._born = self._loop.time()
        self._owed = 0.0

    def elapsed(self) -> float:
        return (self._loop.time() - self._born) * self.speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)

    async def nap(self, seconds: float) -> None:
        """Sleep, but let very short sleeps add up first (words at high speed)."""
        self._owed += seconds / self.speed
        if self._owed >= SHORTEST_SLEEP:
            owed, self._owed = self._owed, 0.0
            await asyncio.sleep(owed)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """Wait for the event at most so many simulated seconds; tell whether it came."""
        try:
            async with asyncio.timeout(seconds / self.speed):
                await event.wait()
        except TimeoutError:
            return False
        return True

    def later(self, seconds: float, act: Callable[[], object]) -> asyncio.TimerHandle:
        return self._loop.call_later(max(0.0, seconds) / self.speed, act)
