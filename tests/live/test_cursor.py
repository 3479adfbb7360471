"""What a reader's position makes of entries that arrive. Pure."""

from __future__ import annotations

import pytest

from calls.live.cursor import Cursor, Verdict


@pytest.mark.parametrize(
    ("epoch", "first", "last", "verdict"),
    [
        ("e", 6, 6, Verdict.DELIVER),
        ("e", 6, 9, Verdict.DELIVER),
        ("e", 1, 5, Verdict.SKIP),
        ("e", 5, 5, Verdict.SKIP),
        ("e", 7, 7, Verdict.READ),
        ("e", 4, 7, Verdict.READ),
        ("other", 6, 6, Verdict.RESET),
        ("other", 1, 1, Verdict.RESET),
    ],
)
def test_entries_are_judged_by_the_position(epoch, first, last, verdict):
    assert Cursor("e", 5).judge(epoch, first, last) is verdict


def test_a_position_only_goes_forward():
    cursor = Cursor("e", 5)
    cursor.advance(7)
    cursor.advance(6)
    assert cursor.seq == 7
