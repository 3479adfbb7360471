"""Words in which something was found: plain pieces, of which some are the hits. Builds no markup."""

from __future__ import annotations

from typing import NamedTuple

STARTS, ENDS = "\x02", "\x03"
"""Around a hit. The database takes both out of a text before it puts them in, so no speaker can fake them."""


class Piece(NamedTuple):
    text: str
    hit: bool


def pieces(marked: str) -> list[Piece]:
    """`a \\x02b\\x03 c` is `a `, then the hit `b`, then ` c`."""
    found = []
    for part in marked.split(STARTS):
        hit, ends, rest = part.partition(ENDS)
        found += [Piece(hit, hit=True), Piece(rest, hit=False)] if ends else [Piece(part, hit=False)]
    return [piece for piece in found if piece.text]
