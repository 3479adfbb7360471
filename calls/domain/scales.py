"""From figures to places in a drawing: nice ticks, bands of days. Knows no SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1, 2, 2.5, 5, 10)


def ticks(highest: float, about: int = 4, *, whole: bool = False) -> list[float]:
    """Round figures from 0 to one that is not below `highest`. `whole`: no fractions, since there is no half call."""
    if highest <= 0:
        return [0.0, 1.0]
    rough = highest / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in _STEPS if power * nice >= rough * (1 - 1e-9))
    if whole:
        step = max(1.0, float(math.ceil(step)))
    count = math.ceil(highest / step - 1e-9)
    return [round(n * step, 10) for n in range(count + 1)]


@dataclass(frozen=True, slots=True)
class Linear:
    """Figures from 0 to `top` over a length that grows from `low` to `high`; `high` may be the smaller one."""

    top: float
    low: float
    high: float

    def __call__(self, value: float) -> float:
        return round(self.low + (self.high - self.low) * value / self.top, 2)


@dataclass(frozen=True, slots=True)
class Band:
    """Equal places side by side, with a gap between them."""

    count: int
    start: float
    end: float
    gap: float = 0.25
    """Share of a place"""
    widest: float = 40.0

    @property
    def step(self) -> float:
        return (self.end - self.start) / max(1, self.count)

    @property
    def width(self) -> float:
        return round(min(self.widest, self.step * (1 - self.gap)), 2)

    def left(self, n: int) -> float:
        return round(self.middle(n) - self.width / 2, 2)

    def middle(self, n: int) -> float:
        return round(self.start + self.step * (n + 0.5), 2)


def every(count: int, room: int) -> int:
    """Label every so manieth of `count` places, so that at most `room` labels stand."""
    return max(1, math.ceil(count / room))


def percentile(counts: Sequence[tuple[int, int]], percent: int) -> int | None:
    """The nearest-rank percentile of (value, how often), in order of the values; None of nothing."""
    total = sum(count for _, count in counts)
    rank = -(-total * percent // 100)
    for value, count in counts:
        rank -= count
        if rank <= 0 < total:
            return value
    return None
