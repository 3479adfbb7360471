"""JSON with indentation, token by token: no figure is rounded, no escape resolved. Mirrored by js/lib/pretty.js."""

from __future__ import annotations

import json
import re

_PIECE = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def pretty(text: str) -> str:
    """Text that is no JSON comes back as it is."""
    try:
        json.loads(text)
    except (RecursionError, ValueError):
        return text
    depth, last, out = 0, "", ""
    for piece in _PIECE.findall(text):
        if piece in {"}", "]"}:
            depth -= 1
            out += piece if last in {"{", "["} else f"\n{'  ' * depth}{piece}"
        else:
            out += f"\n{'  ' * depth}{piece}" if last in {"{", "[", ","} else piece
            out += " " if piece == ":" else ""
            depth += piece in {"{", "["}
        last = piece
    return out
