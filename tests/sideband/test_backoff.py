"""How long to wait before the next try. Pure."""

from __future__ import annotations

import pytest

from calls.sideband import backoff


@pytest.mark.parametrize("pauses", [backoff.REDIAL_S, backoff.SETUP_S])
def test_pauses_grow_and_the_last_one_stays(pauses):
    waits = [backoff.delay(pauses, attempt, 0.5) for attempt in range(20)]
    assert waits[: len(pauses)] == list(pauses)
    assert waits == sorted(waits)
    assert set(waits[len(pauses) :]) == {pauses[-1]}


def test_the_draw_spreads_a_pause_by_a_quarter():
    assert [backoff.delay((8.0,), 1, draw) for draw in (0.0, 0.5, 1.0)] == [6.0, 8.0, 10.0]


def test_first_redials_are_spread_over_half_a_second():
    """All calls of a process may lose their sockets in one moment."""
    assert [backoff.delay(backoff.REDIAL_S, 0, draw) for draw in (0.0, 0.5, 1.0)] == [0.0, 0.25, 0.5]


def test_a_fresh_call_is_dialled_at_once():
    assert backoff.delay(backoff.SETUP_S, 0, 0.99) == 0


def test_the_budget_leaves_room_for_every_pause():
    assert sum(backoff.REDIAL_S) * 1.25 < backoff.REDIAL_BUDGET_S
    assert sum(backoff.SETUP_S) * 1.25 < backoff.SETUP_BUDGET_S
