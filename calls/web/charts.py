"""Charts as places in a drawing; templates/_chart.html draws them. Widths are shares of whatever room there is.

Horizontal places are percentages and vertical ones pixels, so that text keeps its size while a chart takes its width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from calls.domain import scales

HEIGHT = 188
BOTTOM = 164.0
"""Where the axis lies; under it stand the names of the days"""
TOP = 18.0
LEFT, RIGHT = 12.0, 100.0
LABELS = 6
"""Names of days that have room under a chart"""

Words = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Series:
    key: str
    """Names the colour, in usage.css"""
    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a bar, or of a line."""

    key: str
    x: float
    y: float
    width: float = 0
    height: float = 0
    x2: float = 0
    y2: float = 0


@dataclass(frozen=True, slots=True)
class Hit:
    """What is said of a day, and where it leads."""

    words: str
    href: str


@dataclass(slots=True)
class Chart:
    key: str
    title: str
    desc: str
    ys: list[Tick] = field(default_factory=list)
    xs: list[Tick] = field(default_factory=list)
    bars: list[Piece] = field(default_factory=list)
    lines: list[Piece] = field(default_factory=list)
    dots: list[Piece] = field(default_factory=list)
    legend: list[Series] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    height: int = HEIGHT
    bottom: float = BOTTOM
    left: float = LEFT

    @property
    def empty(self) -> bool:
        return not (self.bars or self.lines or self.dots)


def bars(chart: Chart, days: Sequence[str], series: Sequence[Series], say: Words, *, whole: bool = False) -> Chart:
    """Stacked, the first series lowest. Series of zeros are left out, of the legend too."""
    shown = [one for one in series if any(one.values)]
    sums = [sum(one.values[n] or 0 for one in shown) for n in range(len(days))]
    up, band = _axes(chart, days, max(sums, default=0), say, whole=whole)
    for n in range(len(days)):
        foot = 0.0
        for one in shown:
            value = one.values[n] or 0
            if value:
                y = up(foot + value)
                chart.bars.append(Piece(one.key, band.left(n), y, band.width, round(up(foot) - y, 2)))
                foot += value
    chart.legend = shown if len(series) > 1 else []
    return chart


def lines(chart: Chart, days: Sequence[str], series: Sequence[Series], say: Words) -> Chart:
    """A line breaks where there is no figure; one without a neighbour is a dot."""
    highest = max((value for one in series for value in one.values if value is not None), default=0)
    up, band = _axes(chart, days, highest, say)
    for one in series:
        places = [None if value is None else (band.middle(n), up(value)) for n, value in enumerate(one.values)]
        for here, there in pairwise(places):
            if here and there:
                chart.lines.append(Piece(one.key, *here, x2=there[0], y2=there[1]))
        chart.dots += [Piece(one.key, *place) for place in places if place]
    chart.legend = list(series)
    return chart


def _axes(
    chart: Chart, days: Sequence[str], highest: float, say: Words, *, whole: bool = False
) -> tuple[scales.Linear, scales.Band]:
    marks = scales.ticks(highest, whole=whole)
    up = scales.Linear(marks[-1], BOTTOM, TOP)
    band = scales.Band(len(days), LEFT, RIGHT, widest=6)
    chart.ys = [Tick(up(mark), say(mark)) for mark in marks]
    step = scales.every(len(days), LABELS)
    chart.xs = [Tick(band.middle(n), days[n]) for n in range(0, len(days), step)]
    return up, band
