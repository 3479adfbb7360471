"""A stretch of time as people write it: dates count in the tenant's zone. Knows no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from calls.exceptions import InvalidInput


@dataclass(frozen=True, slots=True)
class Period:
    """From `since`, inclusive, to `until`, exclusive; None is open."""

    since: datetime | None = None
    until: datetime | None = None


ALWAYS = Period()


def read(since: str | None, until: str | None, zone: str) -> Period:
    """Raises InvalidInput, naming the field. A date is its midnight: `until` a date leaves that day out."""
    period = Period(_moment(since, zone, "since"), _moment(until, zone, "until"))
    if period.since and period.until and period.since >= period.until:
        raise InvalidInput("must be later than since", "until")
    return period


def _moment(text: str | None, zone: str, field: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        reason = "is neither a date (2026-11-20) nor a date and time (2026-11-20T14:30, 2026-11-20T14:30Z)"
        raise InvalidInput(reason, field) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
