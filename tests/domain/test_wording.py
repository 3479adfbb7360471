"""Differences between texts: whatever they are, both can be made from them; and they are found in bounded time."""

from __future__ import annotations

import pytest

from calls.domain import wording
from calls.domain.wording import Piece

OLD = "Offer a callback within two days when the card is\nunder review.\n"
NEW = "Offer a callback the same day when the card is\nunder review.\n"


def test_a_change_is_shown_word_by_word():
    assert wording.compare(OLD, NEW) == [
        Piece("same", "Offer a callback"),
        Piece("out", " within two days"),
        Piece("in", " the same day"),
        Piece("same", " when the card is\nunder review.\n"),
    ]
    assert wording.counted(wording.compare(OLD, NEW)) == (3, 3)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("", "Be brief."),
        ("Be brief.", ""),
        (OLD, NEW),
        ("a\n\n\nb", "a\nb\n"),
        ("one two", "one  two"),
        ("\u202eabc\u2028def", "\u202eabd"),
        ("x " * 3_000, "y " * 3_000),
        ("line\n" * 9_000, "line\n" * 8_999 + "other\n"),
    ],
)
def test_both_texts_can_be_made_from_the_pieces(old, new):
    pieces = wording.compare(old, new)
    assert "".join(piece.text for piece in pieces if piece.kind != "in") == old
    assert "".join(piece.text for piece in pieces if piece.kind != "out") == new
    assert all(piece.text for piece in pieces)


def test_large_texts_are_compared_by_lines():
    old = "the same line\n" * 4_000
    pieces = wording.compare(old, old + "one more word here\n")
    assert pieces[-1] == Piece("in", "one more word here\n")


def test_long_unchanged_stretches_are_left_out():
    text = "word " * 400
    pieces = wording.shortened(wording.compare(text + "old" + " more" * 400, text + "new" + " more" * 400))
    assert [piece.kind for piece in pieces] == ["skipped", "same", "out", "in", "same", "skipped"]
    assert sum(len(piece.text) for piece in pieces) < 700
    assert wording.shortened([Piece("same", "short")]) == [Piece("same", "short")]
