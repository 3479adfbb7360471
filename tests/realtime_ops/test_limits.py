"""How long a session of the database may hold up others: less than leases bear."""

from __future__ import annotations

import re

import pytest

from calls import tenancy
from calls.actions import leases
from realtime_ops import settings


@pytest.mark.parametrize("alias", ["default", "owner"])
def test_nobody_queues_for_a_lock_until_leases_run_out(alias):
    """Whoever wants the row or the table then queues behind; a renewal that fails is tried again before the fence."""
    options = settings.DATABASES[alias]["OPTIONS"]["options"]
    seconds = int(re.search(r"-c lock_timeout=(\d+)s\b", options)[1])
    assert 0 < seconds < leases.FENCE_S - leases.RENEW_S


def test_nor_does_a_process_that_stands_still_inside_a_command():
    assert 0 < tenancy.HOLDS_CALLS_MS / 1000 < leases.FENCE_S - leases.RENEW_S
