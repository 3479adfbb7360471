"""Differences between two texts, word by word, as pieces that say what was kept, taken out and put in.

Bounded: lines are compared first, then the words of what changed. A changed block of more than BLOCK_LIMIT words is
shown as a whole, and texts of more than SIZE_LIMIT characters together are compared by lines only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

SIZE_LIMIT = 50_000
BLOCK_LIMIT = 1_500
CONTEXT = 240
"""Characters of an unchanged stretch that are shown on either side of a change"""

Kind = Literal["same", "out", "in", "skipped"]
_WORD = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text; `skipped` stands for unchanged text that is left out."""

    kind: Kind
    text: str


def compare(old: str, new: str) -> list[Piece]:
    """Pieces that, without the ones put in, make the old text, and without the ones taken out the new one."""
    by_words = len(old) + len(new) <= SIZE_LIMIT
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    pieces: list[Piece] = []
    for old_lines, new_lines in _blocks(before, after):
        taken, put = "".join(old_lines), "".join(new_lines)
        if taken == put:
            pieces.append(Piece("same", taken))
        else:
            pieces += _words(taken, put) if by_words else _whole(taken, put)
    return _merged(pieces)


def shortened(pieces: Sequence[Piece]) -> list[Piece]:
    """The same with the middle of long unchanged stretches left out."""
    kept: list[Piece] = []
    for place, piece in enumerate(pieces):
        if piece.kind != "same" or len(piece.text) <= 2 * CONTEXT + 80:
            kept.append(piece)
            continue
        if place:
            kept.append(Piece("same", piece.text[:CONTEXT]))
        kept.append(Piece("skipped", f"{len(piece.text) - CONTEXT * (2 if 0 < place < len(pieces) - 1 else 1):,}"))
        if place < len(pieces) - 1:
            kept.append(Piece("same", piece.text[-CONTEXT:]))
    return kept


def counted(pieces: Sequence[Piece]) -> tuple[int, int]:
    """Words put in, words taken out."""
    put, out = (sum(len(piece.text.split()) for piece in pieces if piece.kind == kind) for kind in ("in", "out"))
    return put, out


def _blocks(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    # Beginning and end by hand: the matcher gives up on what occurs too often, and most changes are in the middle.
    shorter = min(len(before), len(after))
    head = next((i for i in range(shorter) if before[i] != after[i]), shorter)
    tail = next((i for i in range(shorter - head) if before[-1 - i] != after[-1 - i]), shorter - head)
    yield before[:head], after[:head]
    old, new = before[head : len(before) - tail], after[head : len(after) - tail]
    for _, i1, i2, j1, j2 in SequenceMatcher(None, old, new).get_opcodes():
        yield old[i1:i2], new[j1:j2]
    yield before[len(before) - tail :], after[len(after) - tail :]


def _words(taken: str, put: str) -> list[Piece]:
    before, after = _WORD.findall(taken), _WORD.findall(put)
    if len(before) > BLOCK_LIMIT or len(after) > BLOCK_LIMIT:
        return _whole(taken, put)
    pieces: list[Piece] = []
    for old_words, new_words in _blocks(before, after):
        out, came = "".join(old_words), "".join(new_words)
        pieces += [Piece("same", out)] if out == came else _whole(out, came)
    return pieces


def _whole(taken: str, put: str) -> list[Piece]:
    return [Piece("out", taken), Piece("in", put)]


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    """Neighbours of one kind as one, and no empty ones; within a change, what was taken out comes first."""
    merged: list[Piece] = []
    out = put = ""
    for piece in (*pieces, Piece("same", "")):
        if piece.kind == "out":
            out += piece.text
        elif piece.kind == "in":
            put += piece.text
        else:
            merged += [one for one in (Piece("out", out), Piece("in", put)) if one.text]
            out = put = ""
            if merged and merged[-1].kind == "same":
                merged[-1] = Piece("same", merged[-1].text + piece.text)
            elif piece.text:
                merged.append(piece)
    return merged
