"""When nobody listened to a call, by the provider's own record, and what of it no gap marks. Pure."""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence

from calls.simulator.compare import instant
from tests.faults.histories import Histories

Span = tuple[float, float]
SLACK_S = 1.0
"""A broken socket is noticed a moment late, and both sides stamp with their own clocks"""
PAUSE_S = 9.0
"""A gap begins with the last frame that was heard. While a caller speaks, or listens to the end of a long answer, none
comes: 8.1 s at most in 4,287 calls at natural pace or twice that"""


def blind(histories: Histories) -> dict[str, list[tuple[float, float, bool]]]:
    """Stretches of each call without a socket, after its first one: start, end, and whether a new socket ended it."""
    found: dict[str, list[tuple[float, float, bool]]] = collections.defaultdict(list)
    since: dict[str, float] = {}
    for mark in sorted(histories.ledger.marks, key=lambda mark: mark["at"]):
        call = mark["call_id"]
        if mark["state"] == "attached" and call in since:
            found[call].append((since.pop(call), mark["at"], True))
        elif mark["state"] == "dropped" or (mark["state"] == "detached" and not mark["sockets"]):
            since.setdefault(call, mark["at"])
        elif mark["state"] == "ended" and call in since:
            start = since.pop(call)
            if mark["at"] - start > 0.001:  # its sockets are dropped in the moment in which it ends
                found[call].append((start, mark["at"], False))
            since[call] = math.inf
    return found


def uncovered(histories: Histories, *, listened_again: bool = False) -> dict[str, float]:
    """Seconds of each call in which nobody listened and that no gap marks, beyond SLACK_S of each stretch.

    `listened_again`: without the stretches that ended with the call, of which the product may think that it ended first.
    """
    found = {}
    for call, spans in blind(histories).items():
        gaps = [
            (instant(gap["started_at"]) or 0.0, instant(gap["ended_at"]) or math.inf)
            for gap in histories.stored.gaps
            if gap["call_id"] == call
        ]
        bare = sum(
            max(0.0, _bare((start, end), gaps) - SLACK_S) for start, end, again in spans if again or not listened_again
        )
        if bare > 0:
            found[call] = bare
    return found


def overmarked(histories: Histories) -> dict[str, float]:
    """Seconds of each call that gaps mark though it had a socket, beyond PAUSE_S of each gap."""
    without = blind(histories)
    first: dict[str, float] = {}
    over: dict[str, float] = {}
    for mark in histories.ledger.marks:
        if mark["state"] == "attached":
            first[mark["call_id"]] = min(mark["at"], first.get(mark["call_id"], math.inf))
        elif mark["state"] == "ended":
            over[mark["call_id"]] = mark["at"]
    found: dict[str, float] = collections.defaultdict(float)
    for gap in histories.stored.gaps:
        call = gap["call_id"]
        start = max(instant(gap["started_at"]) or 0.0, first.get(call, math.inf))
        end = min(instant(gap["ended_at"]) or math.inf, over.get(call, math.inf))
        if start < end:
            marked = _bare((start, end), [(since, until) for since, until, _ in without.get(call, ())])
            found[call] += max(0.0, marked - PAUSE_S)
    return dict(found)


def _bare(span: Span, gaps: Sequence[Span]) -> float:
    """Length of the part of a span that lies in no gap."""
    at, left = span[0], 0.0
    for start, end in sorted(gaps):
        if end <= at or start >= span[1]:
            continue
        left += max(0.0, start - at)
        at = max(at, end)
    return left + max(0.0, span[1] - at)
