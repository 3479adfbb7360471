"""Order and figures of the Live page. Mirrored by js/live/order.js, which keeps them current."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median_low
from typing import Any

from calls.domain import attention
from calls.domain.attention import moment as moment
from calls.domain.states import LIVE

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tiles:
    """Times are None where no call on the page has one: no figure is drawn for no data."""

    live: int
    need: int
    reply_median: int | None
    reply_p95: int | None


def needs_you(row: Row, now: datetime) -> bool:
    need = attention.worst(row, now)
    return need is not None and need.needs_you


def worst_first(rows: Iterable[Row], now: datetime) -> list[Row]:
    """Act now, warnings, everybody else; then the longest. The code makes the order total."""
    return sorted(
        rows,
        key=lambda row: (attention.rank(attention.worst(row, now)), str(row["started_at"]), str(row["code"])),
    )


def most_urgent(rows: Iterable[Row], now: datetime) -> list[Row]:
    """Who needs somebody: act now first, and of these what waits for longest; what has no age, last."""

    def place(found: tuple[Row, attention.Need]) -> tuple[int, bool, datetime, str]:
        row, need = found
        return attention.rank(need), need.since is None, need.since or now, str(row["code"])

    judged = ((row, attention.worst(row, now)) for row in rows)
    urgent = [(row, need) for row, need in judged if need is not None and need.needs_you]
    return [row for row, _ in sorted(urgent, key=place)]


def tiles(rows: Iterable[Row], now: datetime) -> Tiles:
    shown = list(rows)
    replies = sorted(row["reply_ms"] for row in shown if row.get("reply_ms") is not None)
    return Tiles(
        live=sum(row.get("state") in LIVE for row in shown),
        need=sum(needs_you(row, now) for row in shown),
        reply_median=median_low(replies) if replies else None,
        reply_p95=replies[-(-len(replies) * 95 // 100) - 1] if replies else None,
    )
