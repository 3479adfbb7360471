"""What goes first when there is no room left for what waits: the least valuable, and of that the oldest. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum

from calls.actions.ingest import Batch, change_time
from calls.domain.changes import (
    CommandChanged,
    GapRecorded,
    NoteAdded,
    Numbered,
    RateLimitsChanged,
    SessionChanged,
    SignsChanged,
    TurnChanged,
    UsageRecorded,
)
from calls.domain.states import CommandState

NOT_STORED = "not_stored"
"""Cause of the gap that stands for what was dropped"""


class Worth(IntEnum):
    """In the order of going."""

    SUPERSEDED = 0
    """A later change of the batch says it all: nothing is lost but its moment in the stream"""
    PASSING = 1
    """Open turns, notes, limits, settings"""
    FINAL = 2
    """What was said"""
    FACT = 3
    """Usage, states, gaps"""
    PROMISE = 4
    """What became of a command: somebody waits for it, and nobody else would settle it before the end of the call"""


def weight(change: Numbered) -> int:
    """About so many bytes of memory."""
    if isinstance(change, TurnChanged):
        turn = change.turn
        return 700 + 2 * (len(turn.text) + len(turn.arguments) + len(turn.output)) + 120 * len(turn.steps)
    if isinstance(change, SessionChanged):
        return 8_000
    return 600


def shed(batch: Batch, most: int, most_bytes: int) -> int:
    """Bring a batch down to so many changes and bytes; returns how many went.

    Where words or facts went a gap says so, from the first of them to the last, and usage is marked incomplete where
    its figures went.
    """
    worths = _worths(batch.changes)
    surplus = len(batch.changes) - most
    surplus_bytes = sum(map(weight, batch.changes)) - most_bytes
    gone: set[int] = set()
    for worth in Worth:
        for place, change in enumerate(batch.changes):
            if surplus <= 0 and surplus_bytes <= 0:
                break
            if worths[place] == worth and not _is_our_gap(change):
                gone.add(place)
                surplus -= 1
                surplus_bytes -= weight(change)
    lost = [batch.changes[place] for place in sorted(gone) if worths[place] >= Worth.PASSING]
    batch.changes = [change for place, change in enumerate(batch.changes) if place not in gone]
    if lost:
        _tell(batch, [time for change in lost for time in _span(change)])
    if any(isinstance(change, UsageRecorded) for change in lost):
        batch.columns["usage_incomplete"] = True
    return len(gone)


def _span(change: Numbered) -> tuple[datetime, datetime]:
    """Of a turn all of it: what this change repeats may have been said first by one that went as it was superseded."""
    at = change_time(change)
    return (min(change.turn.started_at, at), at) if isinstance(change, TurnChanged) else (at, at)


def _tell(batch: Batch, times: list[datetime]) -> None:
    """One gap for all that ever went from this batch."""
    first, last = min(times), max(times)
    ours = [change for change in batch.changes if isinstance(change, GapRecorded) and change.cause == NOT_STORED]
    for gap in ours:
        batch.changes.remove(gap)
        first, last = min(first, gap.started_at), max(last, gap.ended_at)
    batch.changes.insert(0, GapRecorded(first, last, NOT_STORED))


def _is_our_gap(change: Numbered) -> bool:
    return isinstance(change, GapRecorded) and change.cause == NOT_STORED


def _worths(changes: Sequence[Numbered]) -> list[Worth]:
    later: set[object] = set()
    worths = []
    for change in reversed(changes):
        key: object = None
        worth = Worth.FACT
        if isinstance(change, TurnChanged):
            key = change.turn.item_id
            worth = Worth.PASSING if change.turn.status == "open" else Worth.FINAL
        elif isinstance(change, NoteAdded):
            worth = Worth.PASSING
        elif isinstance(change, RateLimitsChanged | SessionChanged):
            key, worth = type(change), Worth.PASSING
        elif isinstance(change, SignsChanged):
            key = type(change)
        elif isinstance(change, CommandChanged):
            # When it went out, and after which turn, no later change says again.
            key, worth = (change.command_id, change.state is CommandState.SENT), Worth.PROMISE
        if key is not None and key in later:
            worth = Worth.SUPERSEDED
        later.add(key)
        worths.append(worth)
    return worths[::-1]
