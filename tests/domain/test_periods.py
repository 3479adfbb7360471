"""Periods: dates in the tenant's zone, moments as they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from calls.domain.periods import ALWAYS, read
from calls.exceptions import InvalidInput


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-01", datetime(2026, 6, 30, 22, tzinfo=UTC)),
        ("2026-01-01", datetime(2025, 12, 31, 23, tzinfo=UTC)),
        ("2026-07-01T10:30", datetime(2026, 7, 1, 8, 30, tzinfo=UTC)),
        ("2026-07-01T10:30Z", datetime(2026, 7, 1, 10, 30, tzinfo=UTC)),
        ("2026-07-01T10:30:00.250-05:00", datetime(2026, 7, 1, 15, 30, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_in_the_tenants_zone(text, expected):
    assert read(text, None, "Europe/Berlin").since == expected


def test_nothing_given_is_always():
    assert read(None, None, "UTC") == ALWAYS


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "1.7.2026", "2026-07-01T25:00"])
def test_what_is_no_moment_is_named(text):
    with pytest.raises(InvalidInput, match=r"^until: is neither a date"):
        read(None, text, "UTC")


@pytest.mark.parametrize("until", ["2026-01-01", "2025-12-31"])
def test_a_period_does_not_end_before_it_begins(until):
    with pytest.raises(InvalidInput, match="until: must be later than since"):
        read("2026-01-01", until, "UTC")
