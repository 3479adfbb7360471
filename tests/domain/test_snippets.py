"""Marked words come apart into pieces; nothing that a speaker said can pass for a mark."""

from __future__ import annotations

import pytest

from calls.domain.snippets import pieces


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("", []),
        ("no hit", [("no hit", False)]),
        ("the \x02invoice\x03 is late", [("the ", False), ("invoice", True), (" is late", False)]),
        ("\x02a\x03 \x02b\x03", [("a", True), (" ", False), ("b", True)]),
        ("\x02a\x03\x02b\x03", [("a", True), ("b", True)]),
        ("<b>\x02x\x03</b>", [("<b>", False), ("x", True), ("</b>", False)]),
        ("cut \x02off", [("cut ", False), ("off", False)]),
    ],
)
def test_pieces(marked, expected):
    assert pieces(marked) == expected
