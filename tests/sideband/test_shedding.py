"""What goes first where there is no room: never a final before a partial, never usage before words."""

from __future__ import annotations

from uuid import UUID

import pytest

from calls.actions.ingest import Batch, CallRef
from calls.domain.changes import (
    CallStateChanged,
    CommandChanged,
    GapRecorded,
    NoteAdded,
    RateLimitsChanged,
    SessionChanged,
)
from calls.domain.states import CallState, CommandState
from calls.sideband.shedding import shed, weight
from tests.sideband.desk import at, turn, usage

ALL = 1 << 60
ACTIVE = CallStateChanged(CallState.ACTIVE, at(0))


def note(second):
    return NoteAdded("keypad", at(second), {"key": "5"})


def batch(*changes):
    return Batch(CallRef(1, UUID(int=1), UUID(int=2), "e", 1), list(changes))


def test_what_a_later_change_says_anyway_goes_first_and_nobody_misses_it():
    first, again, final = (
        turn("a", text="H", status="open"),
        turn("a", text="He", status="open"),
        turn("a", text="Hey"),
    )
    full = batch(ACTIVE, first, again, note(1), final, RateLimitsChanged({}, at(1)), RateLimitsChanged({}, at(2)))
    assert shed(full, 4, ALL) == 3
    assert full.changes == [ACTIVE, note(1), final, RateLimitsChanged({}, at(2))]
    assert full.columns == {}


def test_then_what_passes_then_words_then_figures_the_oldest_first():
    said = [turn("a"), turn("b"), turn("c")]
    full = batch(note(1), *said, usage("r1"), note(2), SessionChanged({}, at(3)), ACTIVE)
    assert shed(full, 7, ALL) == 1
    assert full.changes[0] == GapRecorded(at(1), at(1), "not_stored")
    assert full.changes[1:] == [*said, usage("r1"), note(2), SessionChanged({}, at(3)), ACTIVE]
    assert shed(full, 4, ALL) == 4
    # One gap for all that ever went; it is not counted among what may go.
    assert full.changes == [GapRecorded(at(1), at(3), "not_stored"), said[2], usage("r1"), ACTIVE]
    assert full.columns == {}
    assert shed(full, 2, ALL) == 2
    assert full.changes == [GapRecorded(at(1), at(4), "not_stored"), ACTIVE]
    assert full.columns == {"usage_incomplete": True}


def test_the_gap_of_a_turn_begins_with_the_turn():
    """Its words were first said by a change that a later one superseded, and that went before."""
    full = batch(turn("a", text="Hey", started_at=at(-20)), turn("a", text="Hey", started_at=at(-20)), ACTIVE)
    assert shed(full, 2, ALL) == 1
    assert len(full.changes) == 2
    assert shed(full, 1, ALL) == 1
    assert full.changes == [GapRecorded(at(-20), at(3), "not_stored"), ACTIVE]


def test_what_became_of_a_command_goes_last():
    claimed, sent, confirmed = (
        CommandChanged(UUID(int=9), state, at(1))
        for state in (CommandState.CLAIMED, CommandState.SENT, CommandState.CONFIRMED)
    )
    full = batch(claimed, sent, confirmed, usage("r1"), ACTIVE)
    assert shed(full, 4, ALL) == 1
    assert full.changes == [sent, confirmed, usage("r1"), ACTIVE], "when it was sent is said by `sent` alone"
    assert shed(full, 2, ALL) == 2
    assert full.changes[1:] == [sent, confirmed]


def test_bytes_are_a_bound_too():
    full = batch(*(turn(str(number), text="x" * 5_000) for number in range(10)))
    assert shed(full, 100, 35_000) == 7
    assert sum(map(weight, full.changes[1:])) <= 35_000
    assert [change.turn.item_id for change in full.changes[1:]] == ["7", "8", "9"]


def test_what_fits_stays():
    full = batch(note(1), turn())
    assert shed(full, 2, ALL) == 0
    assert full.changes == [note(1), turn()]


@pytest.mark.parametrize("change", [ACTIVE, note(1), turn(), usage(), SessionChanged({}, at(1))])
def test_everything_weighs_something(change):
    assert weight(change) > 100
