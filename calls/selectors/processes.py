"""The processes of the installation, as they were last heard of. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.functions import Now

from calls.models import Worker

SHOWN = 200
"""Rows; an installation has a handful"""
STALE_AFTER = {
    "sideband": timedelta(seconds=10),
    "web": timedelta(seconds=20),
    "jobs": timedelta(seconds=60),
}
"""Sideband workers beat every second, web processes every five; of several jobs workers one does each round of ten
seconds, by chance"""


@dataclass(frozen=True, slots=True)
class Process:
    """By the database's clock, which wrote the row too."""

    kind: str
    host: str
    pid: int
    calls: int
    slots: int
    up: timedelta
    quiet: timedelta
    """Since its last beat"""
    counters: dict[str, Any]

    @property
    def stale(self) -> bool:
        return self.quiet > STALE_AFTER.get(self.kind, STALE_AFTER["jobs"])


def processes() -> list[Process]:
    """Sideband workers, then web, then jobs; by host and pid."""
    span = DurationField()
    rows = Worker.objects.annotate(
        up=ExpressionWrapper(Now() - F("started_at"), span), quiet=ExpressionWrapper(Now() - F("seen_at"), span)
    ).order_by("host", "pid", "started_at")[:SHOWN]
    order = {"sideband": 0, "web": 1, "jobs": 2}
    found = [
        Process(
            row.kind,
            row.host,
            row.pid,
            row.calls,
            row.slots,
            row.up,
            max(row.quiet, timedelta()),
            row.counters,
        )
        for row in rows
    ]
    return sorted(found, key=lambda one: order.get(one.kind, len(order)))
