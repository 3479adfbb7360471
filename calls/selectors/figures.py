"""Figures of a tenant that no row of the Live page holds: the last hour's failures, today's spend. Reads only.

`live` and `need` are for the other pages' top bar; Live counts its own rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Q
from django.utils import timezone

from calls.domain import attention
from calls.domain.prices import CURRENCY, Cost
from calls.domain.states import CallState
from calls.models import Call, Tenant
from calls.selectors import charges, live

HOUR = timedelta(hours=1)
FAILED = Q(state=CallState.LOST) | Q(state=CallState.ENDED, end_reason__in=attention.FAULTS)


@dataclass(frozen=True, slots=True)
class Figures:
    live: int
    need: int
    limit: int | None
    """Calls at once that platform staff allow; None: no limit"""
    ended: int
    """In the last hour"""
    failed: int
    """Of these"""
    spent: Cost
    """Since midnight where the tenant is"""
    currency: str
    at: datetime


def figures(tenant: UUID, zone: str) -> Figures:
    """Of the tenant in scope. Five reads, each by an index or over one row; live calls are at most live.ROW_LIMIT."""
    now = timezone.now()
    rows = [live.row_body(call, reveal=False) for call in live.shown_calls()]
    needs = [attention.worst(row, now) for row in rows]
    hour = Call.objects.filter(ended_at__gte=now - HOUR).aggregate(ended=Count("id"), failed=Count("id", filter=FAILED))
    return Figures(
        live=sum(row["ended_at"] is None for row in rows),
        need=sum(need is not None and need.needs_you for need in needs),
        limit=Tenant.objects.filter(pk=tenant).values_list("calls_at_once", flat=True).first(),
        ended=hour["ended"],
        failed=hour["failed"],
        spent=charges.spend_since(midnight(zone, now)),
        currency=CURRENCY,
        at=now,
    )


def midnight(zone: str, now: datetime) -> datetime:
    """The beginning of the tenant's day."""
    return now.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
