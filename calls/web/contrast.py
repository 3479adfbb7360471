"""Reads the colours out of tokens.css and measures them as WCAG 2.2 does. Pure but for the one file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders

SCHEMES = ("light", "dark")
GROUNDS = ("bg", "surface", "raised", "sunken")
TEXTS = ("text", "muted", "accent", "listening", "thinking", "ringing", "hold", "human", "failed", "ended")
"""Colours that words are written in: 4.5 to 1 on every ground"""
BORDERS = ("line-strong",)
"""Edges of controls: 3 to 1"""

_PAIR = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")


@dataclass(frozen=True, slots=True)
class Token:
    name: str
    values: tuple[str, str]
    """In the order of SCHEMES"""
    lowest: tuple[float, float] | None
    """The lowest contrast over all grounds; None where nothing is written or drawn in it"""
    least: float = 0.0

    @property
    def passes(self) -> bool:
        return self.lowest is None or min(self.lowest) >= self.least


@cache
def pairs() -> dict[str, tuple[str, str]]:
    """Every colour of both schemes, as tokens.css has it."""
    path = finders.find("calls/css/tokens.css")
    return {name: (light, dark) for name, light, dark in _PAIR.findall(Path(str(path)).read_text())}


def tokens() -> list[Token]:
    found = pairs()
    least = dict.fromkeys(TEXTS, 4.5) | dict.fromkeys(BORDERS, 3.0)
    return [
        Token(name, values, _lowest(values) if name in least else None, least.get(name, 0.0))
        for name, values in found.items()
    ]


def ratio(one: str, other: str) -> float:
    """Contrast of two colours, from 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _lowest(values: tuple[str, str]) -> tuple[float, float]:
    def over(scheme: int) -> float:
        return min(ratio(values[scheme], pairs()[ground][scheme]) for ground in GROUNDS)

    return over(0), over(1)


def _luminance(colour: str) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    channels: Iterable[float] = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = map(linear, channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
