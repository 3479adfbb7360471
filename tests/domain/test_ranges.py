"""Days are the tenant's, also when its clocks change; a stretch that runs is compared with as much of the one before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from calls.domain import ranges
from calls.exceptions import InvalidInput

LONDON = "Europe/London"
TODAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "first", "last", "before", "before_last"),
    [
        ("today", "2026-11-20", "2026-11-20", "2026-11-19", "2026-11-19"),
        ("yesterday", "2026-11-19", "2026-11-19", "2026-11-18", "2026-11-18"),
        ("7d", "2026-11-14", "2026-11-20", "2026-11-07", "2026-11-13"),
        ("30d", "2026-10-22", "2026-11-20", "2026-09-22", "2026-10-21"),
        ("month", "2026-11-01", "2026-11-30", "2026-10-01", "2026-10-31"),
        ("last-month", "2026-10-01", "2026-10-31", "2026-09-01", "2026-09-30"),
    ],
)
def test_presets(name: str, first: str, last: str, before: str, before_last: str) -> None:
    found = ranges.preset(name, TODAY, LONDON)

    assert [day.isoformat() for day in (found.first, found.last, found.before, found.before_last)] == [
        first, last, before, before_last,
    ]  # fmt: skip


@pytest.mark.parametrize("zone", ["Europe/London", "Asia/Kathmandu", "Pacific/Chatham", "Australia/Lord_Howe", "UTC"])
def test_midnights_lie_on_quarters_of_an_hour(zone: str) -> None:
    for edge in ranges.preset("30d", TODAY, zone).edges(datetime(2027, 1, 1, tzinfo=UTC)):
        assert edge.minute % 15 == edge.second == edge.microsecond == 0


def test_a_day_on_which_the_clocks_change_has_its_own_length() -> None:
    spring = ranges.picked("2026-03-29", "2026-03-29", TODAY, LONDON)
    autumn = ranges.picked("2026-10-25", "2026-10-25", TODAY, LONDON)

    assert spring.until - spring.since == timedelta(hours=23)
    assert autumn.until - autumn.since == timedelta(hours=25)
    assert autumn.since == datetime(2026, 10, 24, 23, tzinfo=UTC)


def test_a_day_whose_midnight_is_skipped_begins_with_the_skip() -> None:
    assert ranges.midnight(date(2024, 4, 26), "Africa/Cairo") == datetime(2024, 4, 25, 22, tzinfo=UTC)


def test_a_running_stretch_is_compared_with_as_much_of_the_one_before() -> None:
    today = ranges.preset("today", TODAY, LONDON)
    month = ranges.preset("month", TODAY, LONDON)

    assert today.before_until(NOW) == datetime(2026, 11, 19, 14, 30, tzinfo=UTC)
    assert month.before_until(NOW) == datetime(2026, 10, 20, 13, 30, tzinfo=UTC)  # half past two there, in summer
    assert today.before_until(NOW + timedelta(days=1)) == today.since


def test_a_long_month_is_not_compared_with_more_than_a_short_one_has() -> None:
    march = ranges.preset("month", date(2026, 3, 31), "UTC")

    assert march.before_until(datetime(2026, 3, 31, 12, tzinfo=UTC)) == march.since


def test_edges_are_in_order_and_hold_every_part() -> None:
    found = ranges.preset("7d", TODAY, LONDON)

    edges = found.edges(NOW)

    assert edges == sorted(edges)
    assert edges[ranges.BEFORE - 1] == found.before_since
    assert edges[ranges.FIRST_BAR - 1] == found.since
    assert len(edges) == ranges.FIRST_BAR - 1 + 7 + 1


def test_many_days_are_shown_by_weeks() -> None:
    year = ranges.picked("2026-01-01", "2026-12-31", TODAY, LONDON)

    assert year.step == 7
    assert len(year.starts) == 53
    assert year.starts[-1] <= year.last


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        ("2026-11-20", "2026-11-19", "to"),
        ("2025-11-20", "2026-11-21", "to"),
        ("yesterday", "", "from"),
        ("", "20.11.2026", "to"),
        ("1899-01-01", "1899-01-02", "from"),
    ],
)
def test_days_that_cannot_be_are_refused(first: str, last: str, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ranges.picked(first, last, TODAY, LONDON)
    assert refused.value.field == field


def test_one_day_alone_is_enough() -> None:
    assert ranges.picked("2026-11-18", "", TODAY, LONDON).last == TODAY
    assert ranges.picked("", "2026-11-18", TODAY, LONDON).first == date(2026, 11, 18)


def test_the_last_day_of_a_stretch() -> None:
    found = ranges.preset("last-month", TODAY, LONDON)
    assert ranges.last_day(found.until, LONDON) == found.last
