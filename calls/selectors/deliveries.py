"""What a provider delivered to an account of the tenant in scope: the first sign that it is connected, and the latest.

Reads only what was believed: a delivery with a wrong signature is counted, never stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from calls.models import ProviderAccount, WebhookEvent

LATEST = 20


@dataclass(frozen=True, slots=True)
class Delivery:
    """One verified delivery, without its body."""

    type: str
    verdict: str
    created_at: datetime | None
    """The event's own time, by the provider"""
    received_at: datetime
    call: UUID | None
    """Code of the call that it announced"""


def first_event(account: ProviderAccount) -> Delivery | None:
    """The delivery that proved the connection; None while the account still waits for one."""
    return next(iter(_read(account, "received_at", 1)), None)


def latest(account: ProviderAccount, limit: int = LATEST) -> list[Delivery]:
    """The newest first."""
    return _read(account, "-received_at", limit)


def _read(account: ProviderAccount, order: str, limit: int) -> list[Delivery]:
    rows = WebhookEvent.objects.filter(account=account).order_by(order)[:limit]
    return [Delivery(*row) for row in rows.values_list("type", "verdict", "created_at", "received_at", "call__code")]
