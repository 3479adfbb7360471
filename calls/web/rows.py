"""Order and figures of the Live page. Mirrored by js/live/order.js and js/live/tiles.js, which keep them current."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median_low
from typing import Any

from django.utils.dateparse import parse_datetime

from calls.domain.states import LIVE, Attachment, CallState
from calls.web import words

Row = Mapping[str, Any]

QUIET_S = 5
"""Age of the last event from which a talking call is marked"""
SILENT_S = 15
"""Age from which it counts as one that may have ended, and needs a person"""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Times are None where no call on the page has one: no figure is drawn for no data."""

    live: int
    need: int
    reply_median: int | None
    reply_p95: int | None


def moment(value: object) -> datetime | None:
    """The feed carries times as ISO 8601 text."""
    return value if isinstance(value, datetime) else parse_datetime(str(value or ""))


def quiet_s(row: Row, now: datetime) -> float:
    """Seconds since the last event of a call that should have some; 0 for all others."""
    if row.get("state") not in {CallState.ACTIVE, CallState.TRANSFERRING}:
        return 0
    last = moment(row.get("last_event_at")) or moment(row.get("answered_at"))
    return (now - last).total_seconds() if last else 0


def needs_you(row: Row, now: datetime) -> bool:
    return (
        words.face(row).key == "failed"
        or quiet_s(row, now) >= SILENT_S
        or (row.get("state") == CallState.ACTIVE and row.get("attachment") == Attachment.REATTACHING)
    )


def worst_first(rows: Iterable[Row], now: datetime) -> list[Row]:
    """What needs a person first, then the longest; the code makes the order total."""
    return sorted(rows, key=lambda row: (not needs_you(row, now), str(row["started_at"]), str(row["code"])))


def tiles(rows: Iterable[Row], now: datetime) -> Tiles:
    shown = list(rows)
    replies = sorted(row["reply_ms"] for row in shown if row.get("reply_ms") is not None)
    return Tiles(
        live=sum(row.get("state") in LIVE for row in shown),
        need=sum(needs_you(row, now) for row in shown),
        reply_median=median_low(replies) if replies else None,
        reply_p95=replies[-(-len(replies) * 95 // 100) - 1] if replies else None,
    )
