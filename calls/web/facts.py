"""Figures of one call for its page. Mirrored by js/call/facts.js and js/call/cost.js; what is unknown is said to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import median_low
from typing import Any

from calls.domain.prices import Cost, shown
from calls.web.rows import moment

BUCKETS = (
    ("input_text", "Text in"),
    ("input_audio", "Audio in"),
    ("input_image", "Images in"),
    ("cached_text", "Text in, cached"),
    ("cached_audio", "Audio in, cached"),
    ("cached_image", "Images in, cached"),
    ("output_text", "Text out"),
    ("output_audio", "Audio out"),
)
RARE = ("input_image", "cached_image")
"""Shown only where there are some"""
CUT_BY = (("caller", "by the caller"), ("operator", "from here"), ("application", "by the application"))
"""Who cuts a reply off, as the notes say it"""
BARS = 24
"""Reply times that are drawn, the latest"""


@dataclass(frozen=True, slots=True)
class Facts:
    replies: list[int]
    """Milliseconds, in the order of the turns"""
    interruptions: dict[str, int]
    talk: dict[str, float]
    """Milliseconds that caller and agent spoke"""
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

    @property
    def reply_last(self) -> int | None:
        return self.replies[-1] if self.replies else None

    @property
    def reply_median(self) -> int | None:
        return median_low(self.replies) if self.replies else None

    @property
    def reply_p95(self) -> int | None:
        return sorted(self.replies)[-(-len(self.replies) * 95 // 100) - 1] if self.replies else None

    @property
    def bars(self) -> list[tuple[float, float, float]]:
        """Place, top and height of the latest reply times in a picture of 240 by 24."""
        last = self.replies[-BARS:]
        most = max(last, default=1) or 1
        return [(n * 10.0, 24 - (tall := max(2.0, 24 * ms / most)), tall) for n, ms in enumerate(last)]

    @property
    def cuts(self) -> str:
        """`3: 2 by the caller, 1 from here`, or `none`."""
        said = [f"{self.interruptions[who]} {words}" for who, words in CUT_BY if self.interruptions.get(who)]
        return f"{sum(self.interruptions.values())}: {', '.join(said)}" if said else "none"

    @property
    def talk_share(self) -> str:
        """`41 % caller`; nothing while nobody has spoken."""
        spoken = sum(self.talk.values())
        return f"{int(100 * self.talk['caller'] / spoken + 0.5)} % caller" if spoken else ""


def of(body: Mapping[str, Any]) -> Facts:
    turns = sorted(body["turns"], key=lambda turn: (turn["rank"], turn["item_id"]))
    usage = body["usage"]
    return Facts(
        replies=[turn["reply_ms"] for turn in turns if turn["reply_ms"] is not None],
        interruptions=_interruptions(body["notes"]),
        talk={who: sum(_length_ms(one) for one in turns if _spoken(one, who)) for who in ("caller", "agent")},
        tools=sum(turn["kind"] == "tool_call" for turn in turns),
        gaps=len(body["gaps"]),
        gap_ms=sum(_length_ms(gap) for gap in body["gaps"]),
        tokens=[(key, label, sum(one[key] or 0 for one in usage)) for key, label in BUCKETS],
        total=sum(one["total"] or 0 for one in usage),
        incomplete=bool(body["call"].get("usage_incomplete")) or any(not one["complete"] for one in usage),
    )


def money(amount: Decimal) -> str:
    """`$0.0312`, and cents from one dollar on."""
    return f"${shown(amount, 2 if abs(amount) >= 1 else 4):,}"


def cost_words(cost: Cost) -> str:
    """What a call cost so far; one figure that says where it is none: `≈ ` with estimates, `+` with parts unknown."""
    if not cost.bills:
        return "no data"
    if not cost.known:
        return "unknown"
    unknown = cost.missing or cost.unpriced
    return f"{'≈ ' if cost.estimated else ''}{money(cost.exact + cost.estimated)}{' +' if unknown else ''}"


def cost_notes(cost: Cost) -> str:
    """Why the figure is not the whole truth."""
    said = []
    if cost.estimated:
        said.append(f"{money(cost.estimated)} of it is estimated: the provider gave sums without their parts.")
    if cost.missing:
        said.append(f"Without {cost.missing} replies or transcriptions whose figures never came.")
    if cost.unpriced:
        parts = (
            f"{model or 'no model named'} ({', '.join(sorted(name.replace('_', ' ') for name in of))})"
            for model, of in sorted(cost.unpriced.items())
        )
        said.append(f"Without {', '.join(parts)}: no price is known.")
    return " ".join(said)


def _interruptions(notes: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    by = [str((note.get("body") or {}).get("by", "caller")) for note in notes if note["kind"] == "interrupted"]
    return {who: by.count(who) for who, _ in CUT_BY}


def _spoken(turn: Mapping[str, Any], who: str) -> bool:
    return turn["kind"] == "message" and turn["speaker"] == who and bool(turn["ended_at"])


def _length_ms(part: Mapping[str, Any]) -> float:
    start, end = moment(part["started_at"]), moment(part["ended_at"])
    return max(0.0, (end - start) / timedelta(milliseconds=1)) if start and end else 0
