"""The talk lane of the last minute as SVG path data. Mirrored by js/live/lane.js, which draws on from these pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from calls.domain.attention import moment

WINDOW_S = 60
TOPS = {"caller": 0.5, "agent": 8.0}
"""In a box of 60 x 14, right edge = now: the caller above, the agent below"""
SHORTEST = 0.6


def paths(spans: Sequence[Sequence[Any]], now: datetime) -> Mapping[str, str]:
    """Path data by speaker, from [speaker, start, end or None]."""
    found = dict.fromkeys(TOPS, "")
    for speaker, start, end in spans:
        found[speaker] += _piece(TOPS[speaker], moment(start), moment(end), now)
    return found


def _piece(top: float, start: datetime | None, end: datetime | None, now: datetime) -> str:
    if start is None:
        return ""
    right = min(WINDOW_S, WINDOW_S - (now - (end or now)).total_seconds())
    left = max(0.0, WINDOW_S - (now - start).total_seconds())
    if right <= 0:
        return ""
    width = max(SHORTEST, right - left)
    return f"M{left:.1f} {top:g}h{width:.1f}v5.5h{-width:.1f}z"
