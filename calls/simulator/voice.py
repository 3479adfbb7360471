"""How long words take to say, and how a text falls into the pieces that arrive one by one.

Pure; knows neither clocks nor frames.
"""

from __future__ import annotations

import re

WORDS_PER_SECOND = 3.0
PAUSE_AT_STOP = 0.25
"""Seconds of breath after a sentence."""

TOKENS_PER_SECOND_GENERATED = 11.0
"""Text is generated about three times faster than it is spoken, so it runs ahead of the sound."""

CALLER_TOKENS_PER_SECOND = 10
AGENT_TOKENS_PER_SECOND = 20
"""Audio tokens: one per 100 ms of the caller, one per 50 ms of the agent (the provider's cost guide)."""

_PIECE = re.compile(r"\s*(?:\w+(?:['\u2019]\w+)?|[^\w\s])|\s+")
_LONG = 4


def pieces(text: str) -> list[str]:
    """Split a text into deltas; joined they are the text, to the last blank."""
    out: list[str] = []
    for piece in _PIECE.findall(text):
        if len(piece) > _LONG:
            half = (len(piece) + 1) // 2
            out += [piece[:half], piece[half:]]
        else:
            out.append(piece)
    return out


def seconds(text: str) -> float:
    """How long it takes to say the text at natural pace."""
    words = len(text.split())
    stops = len(re.findall(r"[.!?](?:\s|$)", text))
    return max(0.3, words / WORDS_PER_SECOND + stops * PAUSE_AT_STOP) if words else 0.0


def milliseconds(text: str) -> int:
    return round(seconds(text) * 1000)


def text_tokens(text: str) -> int:
    return len(pieces(text))
