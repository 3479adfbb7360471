"""The stretch of days that a page shows, its parts, and the stretch before it; days are the tenant's. No clock."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from calls.exceptions import InvalidInput

DAYS_LIMIT = 366
"""A longer range is refused. A shorter one may still hold more than can be read in the time that a page may take: then
the page says so (TooWide)"""
BARS_LIMIT = 92
"""More days than this are shown by weeks"""
PRESETS: Mapping[str, str] = {
    "today": "Today",
    "yesterday": "Yesterday",
    "7d": "7 days",
    "30d": "30 days",
    "month": "This month",
    "last-month": "Last month",
}
DEFAULT = "7d"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Range:
    """Whole days, `last` included, and as many before them to compare with."""

    preset: str
    """Empty for days that were picked"""
    first: date
    last: date
    before: date
    """First day of the stretch that this one is compared with; that one ends where this one begins, or earlier"""
    before_last: date
    zone: str

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def step(self) -> int:
        """Days of one bar."""
        return 1 if self.days <= BARS_LIMIT else 7

    @property
    def starts(self) -> list[date]:
        """The first day of every bar."""
        return [self.first + timedelta(days=n) for n in range(0, self.days, self.step)]

    @property
    def since(self) -> datetime:
        return midnight(self.first, self.zone)

    @property
    def until(self) -> datetime:
        return midnight(self.last + _DAY, self.zone)

    @property
    def before_since(self) -> datetime:
        return midnight(self.before, self.zone)

    def before_until(self, now: datetime) -> datetime:
        """A stretch that still runs is compared with as much of the one before: a morning with a morning."""
        end = midnight(self.before_last + _DAY, self.zone)
        if now >= self.until:
            return end
        # By the clock on the wall, so that noon is compared with noon when the clocks change.
        here = now.astimezone(ZoneInfo(self.zone))
        passed = max(0, (here.date() - self.first).days)
        same = datetime.combine(self.before + timedelta(days=passed), here.timetz()).astimezone(UTC)
        return max(self.before_since, min(same, end))

    def edges(self, now: datetime) -> list[datetime]:
        """Where its parts begin, in order: the stretch before, what is left out, every bar, and the end."""
        return [
            self.before_since,
            self.before_until(now),
            *(midnight(day, self.zone) for day in self.starts),
            self.until,
        ]


BEFORE, FIRST_BAR = 1, 3
"""Places of the parts among the edges, counted from 1 as PostgreSQL's width_bucket does"""


def midnight(day: date, zone: str) -> datetime:
    """The moment at which a day begins there, in UTC. Where clocks skip midnight, the moment of the skip."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def preset(name: str, today: date, zone: str) -> Range:
    """Raises InvalidInput for a name that PRESETS does not have."""
    if name == "month":
        first = today.replace(day=1)
        before = _month_before(first)
        return Range(name, first, _month_end(first), before, _month_end(before), zone)
    if name == "last-month":
        first = _month_before(today)
        before = _month_before(first)
        return Range(name, first, _month_end(first), before, _month_end(before), zone)
    days = {"today": 1, "yesterday": 1, "7d": 7, "30d": 30}.get(name)
    if days is None:
        raise InvalidInput("is none of the ranges that there are", "range")
    last = today - _DAY if name == "yesterday" else today
    return _days(name, last - timedelta(days=days - 1), last, zone)


def picked(first: str, last: str, today: date, zone: str) -> Range:
    """From the dates that a person picked; an absent one is the other one, or today. Raises InvalidInput."""
    begin, end = _date(first, "from"), _date(last, "to")
    end = end or max(today, begin or today)
    begin = begin or end
    if end < begin:
        raise InvalidInput("must not be before the first day", "to")
    if (end - begin).days >= DAYS_LIMIT:
        raise InvalidInput(f"at most {DAYS_LIMIT} days at a time", "to")
    return _days("", begin, end, zone)


def _days(name: str, first: date, last: date, zone: str) -> Range:
    length = last - first + _DAY
    return Range(name, first, last, first - length, first - _DAY, zone)


def _date(text: str, field: str) -> date | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("is no date: write it as 2026-11-20", field) from None
    if not date(2000, 1, 1) <= found <= date(2100, 1, 1):
        raise InvalidInput("is outside the years 2000 to 2100", field)
    return found


def _month_before(day: date) -> date:
    return (day.replace(day=1) - _DAY).replace(day=1)


def _month_end(first: date) -> date:
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def last_day(until: datetime, zone: str) -> date:
    """The last day of a stretch that ends at `until`, which is not part of it."""
    return (until - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date()
