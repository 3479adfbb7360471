"""Figures of one call for the panel beside the transcript. Mirrored by js/call/facts.js; estimates nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from calls.web.rows import moment

BUCKETS = (
    ("input_text", "Text in"),
    ("input_audio", "Audio in"),
    ("cached_text", "Text in, cached"),
    ("cached_audio", "Audio in, cached"),
    ("output_text", "Text out"),
    ("output_audio", "Audio out"),
)


@dataclass(frozen=True, slots=True)
class Facts:
    reply_last: int | None
    reply_median: int | None
    interruptions: int
    tools: int
    gaps: int
    gap_ms: float
    tokens: list[tuple[str, str, int]]
    total: int
    incomplete: bool
    """Some figures of the provider are missing"""

    @property
    def most(self) -> int:
        """The largest bucket, at least 1: what the bars are drawn against."""
        return max(1, *(count for _, _, count in self.tokens))


def of(body: Mapping[str, Any]) -> Facts:
    turns = sorted(body["turns"], key=lambda turn: turn["rank"])
    replies = [turn["reply_ms"] for turn in turns if turn["reply_ms"] is not None]
    usage = body["usage"]
    return Facts(
        reply_last=replies[-1] if replies else None,
        reply_median=median_low(replies) if replies else None,
        interruptions=sum(turn["status"] == "cut_off" for turn in turns),
        tools=sum(turn["kind"] == "tool_call" for turn in turns),
        gaps=len(body["gaps"]),
        gap_ms=sum(_length_ms(gap) for gap in body["gaps"]),
        tokens=[(key, label, sum(one[key] or 0 for one in usage)) for key, label in BUCKETS],
        total=sum(one["total"] or 0 for one in usage),
        incomplete=bool(body["call"].get("usage_incomplete")) or any(not one["complete"] for one in usage),
    )


def _length_ms(gap: Mapping[str, Any]) -> float:
    start, end = moment(gap["started_at"]), moment(gap["ended_at"])
    return (end - start).total_seconds() * 1000 if start and end else 0
