"""What the usage page says of a range: figures of now and before, bars, and groups. Adds up; draws and asks nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from calls.domain import scales
from calls.domain.attention import FAULTS
from calls.domain.prices import BUCKETS, ZERO, Cost, Prices
from calls.domain.ranges import BEFORE, FIRST_BAR
from calls.domain.states import LIVE, CallState, EndReason
from calls.selectors.usage import CallLine, ReplyLine, UsageLine

OUTCOMES: Mapping[str, str] = {
    "ended": "Ended",
    "transferred": "Transferred",
    "live": "Still live",
    "missed": "Missed",
    "refused": "Refused",
    "failed": "Failed",
}
"""In the order in which they are stacked"""
GROUPINGS: Mapping[str, str] = {"agent": "Agent", "version": "Instruction version", "model": "Model"}


@dataclass(slots=True)
class Sums:
    """Figures of some part of the whole."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: Decimal = ZERO
    cost: Cost = field(default_factory=Cost)
    quantities: dict[str, int | Decimal] = field(default_factory=lambda: dict.fromkeys(BUCKETS, 0))
    replies: Counter[int] = field(default_factory=Counter)

    @property
    def calls(self) -> int:
        return self.outcomes.total()

    @property
    def minutes(self) -> Decimal:
        return self.seconds / 60

    @property
    def tokens(self) -> int:
        return int(sum(count for name, count in self.quantities.items() if name != "time"))

    def reply(self, percent: int) -> int | None:
        """The percentile of the reply times, in ms; None where nobody replied."""
        return scales.percentile(sorted(self.replies.items()), percent)


Key = tuple[int | None, int | None] | int | str | None
"""(agent, version), agent, or model"""


@dataclass(slots=True)
class Report:
    now: Sums = field(default_factory=Sums)
    before: Sums = field(default_factory=Sums)
    bars: dict[date, Sums] = field(default_factory=dict)
    by_model: dict[Key, Sums] = field(default_factory=lambda: defaultdict(Sums))
    by_agent: dict[Key, Sums] = field(default_factory=lambda: defaultdict(Sums))
    by_version: dict[Key, Sums] = field(default_factory=lambda: defaultdict(Sums))

    @property
    def empty(self) -> bool:
        return not (self.now.calls or self.now.cost.bills or self.now.replies)

    def groups(self, by: str) -> dict[Key, Sums]:
        return {"agent": self.by_agent, "version": self.by_version, "model": self.by_model}[by]


def report(
    starts: Iterable[date],
    prices: Prices,
    usage: Iterable[UsageLine],
    calls: Iterable[CallLine],
    replies: Iterable[ReplyLine],
) -> Report:
    """`starts`: the first days of the bars. Lines of parts that are in neither stretch are left out."""
    made = Report(bars={day: Sums() for day in starts})
    bars = list(made.bars.values())

    def places(line: UsageLine | CallLine | ReplyLine) -> list[Sums]:
        if line.part == BEFORE:
            return [made.before]
        if not FIRST_BAR <= line.part < FIRST_BAR + len(bars):
            return []
        groups = [made.by_agent[line.agent], made.by_version[line.agent, line.version]]
        return [made.now, bars[line.part - FIRST_BAR], *groups]

    for bill in usage:
        found = places(bill)
        if found and bill.part != BEFORE:
            found.append(made.by_model[bill.record.model])
        used = bill.record.used
        quantities: list[int | Decimal] = [*used.tokens, used.seconds]
        for sums in found:
            sums.cost.add(bill.record, prices)
            for name, quantity in zip(BUCKETS, quantities, strict=True):
                sums.quantities[name] += quantity
    for call in calls:
        for sums in places(call):
            sums.outcomes[outcome(call)] += call.calls
            sums.seconds += call.seconds
    for reply in replies:
        for sums in places(reply):
            sums.replies[reply.ms] += reply.count
    return made


def outcome(line: CallLine) -> str:
    """A key of OUTCOMES."""
    if line.state in LIVE:
        return "live"
    if line.state == CallState.LOST or (line.state == CallState.ENDED and line.end_reason in FAULTS):
        return "failed"
    return "transferred" if line.end_reason == EndReason.TRANSFERRED else line.state
