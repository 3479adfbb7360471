"""How long a session of the database may hold up others: less than leases bear."""

from __future__ import annotations

import re

import pytest

from calls import tenancy
from calls.actions import leases
from realtime_ops import settings


@pytest.mark.parametrize(
    ("alias", "limit"),
    [
        ("default", "lock_timeout"),
        ("owner", "lock_timeout"),  # of a migration: everybody queues behind it
    ],
)
def test_nothing_holds_the_rows_of_calls_until_their_leases_run_out(alias, limit):
    """A renewal that fails is tried again before the fence."""
    options = settings.DATABASES[alias]["OPTIONS"]["options"]
    number, unit = re.search(rf"-c {limit}=(\d+)(ms|s)\b", options).groups()
    assert 0 < int(number) / {"ms": 1000, "s": 1}[unit] < leases.FENCE_S - leases.RENEW_S


def test_nor_does_a_process_that_stands_still_inside_a_command():
    assert 0 < tenancy.HOLDS_CALLS_MS / 1000 < leases.FENCE_S - leases.RENEW_S
