"""The tables of the usage page, and the charts that are drawn from the same cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from calls.domain.prices import BUCKETS, ZERO, Cost
from calls.domain.ranges import Range
from calls.web import cells, charts
from calls.web.cells import Cell, Column, Table
from calls.web.charts import Chart, Hit, Series
from calls.web.report import GROUPINGS, OUTCOMES, Key, Report, Sums
from calls.web.times import took

BUCKET_NAMES: Mapping[str, str] = {
    "fresh_text": "Text in, new",
    "fresh_audio": "Audio in, new",
    "fresh_image": "Images in, new",
    "cached_text": "Text in, cached",
    "cached_audio": "Audio in, cached",
    "cached_image": "Images in, cached",
    "output_text": "Text out",
    "output_audio": "Audio out",
    "time": "Transcribed time",
}
_PERCENTILES = (("p50", "p50", 50), ("p95", "p95", 95))


@dataclass(frozen=True, slots=True)
class Names:
    """What keys of groups are called, and where the calls of some days are listed."""

    agents: Mapping[int, str]
    versions: Mapping[int, int]
    calls_of: Callable[[date, date], str]

    def of(self, by: str, key: Key) -> str:
        if by == "model":
            return str(key or "") or "no model named"
        agent, version = key if isinstance(key, tuple) else (key, None)
        found = self.agents.get(agent) if isinstance(agent, int) else None
        called = found or "no agent"
        if by == "version":
            number = self.versions.get(version) if version is not None else None
            return f"{called} v{number}" if number else f"{called}, no version"
        return called


def days_table(report: Report, chosen: Range, names: Names) -> list[Table]:
    """Of each chart, the table under it."""
    bars = [(*span, sums) for span, sums in zip(spans(chosen), report.bars.values(), strict=True)]
    shown = [key for key in OUTCOMES if report.now.outcomes[key]]
    calls = Table(
        "calls",
        "Calls per day, by outcome",
        [_day(chosen), *(Column(k, OUTCOMES[k]) for k in shown), Column("calls", "Calls")],
    )
    minutes = Table("minutes", "Minutes per day", [_day(chosen), Column("minutes", "Minutes")])
    replies = Table(
        "replies",
        "Reply times per day",
        [_day(chosen), Column("replies", "Replies"), *(Column(f"{key}_ms", title) for key, title, _ in _PERCENTILES)],
    )
    for first, last, sums in bars:
        day = Cell(first.isoformat(), _span(first, last), names.calls_of(first, last))
        calls.rows.append([day, *(cells.count(sums.outcomes[key]) for key in shown), cells.count(sums.calls)])
        minutes.rows.append([day, cells.minutes(sums.minutes)])
        replies.rows.append(
            [
                day,
                cells.count(sums.replies.total()),
                *(cells.reply(sums.reply(percent)) for _, _, percent in _PERCENTILES),
            ]
        )
    now = report.now
    calls.foot = [cells.name("All"), *(cells.count(now.outcomes[key]) for key in shown), cells.count(now.calls)]
    minutes.foot = [cells.name("All"), cells.minutes(now.minutes)]
    replies.foot = [
        cells.name("All"),
        cells.count(now.replies.total()),
        *(cells.reply(now.reply(percent)) for _, _, percent in _PERCENTILES),
    ]
    return [calls, minutes, replies]


def day_charts(report: Report, chosen: Range, names: Names) -> list[Chart]:
    """In the order of days_table."""
    all_spans, bars = spans(chosen), list(report.bars.values())
    days = [_short(first) for first, _ in all_spans]
    per = "day" if chosen.step == 1 else "week"

    def hits(words: Callable[[Sums], str]) -> list[Hit]:
        return [
            Hit(f"{_span(*span)}: {words(sums)}", names.calls_of(*span))
            for span, sums in zip(all_spans, bars, strict=True)
        ]

    calls = charts.bars(
        Chart("calls", f"Calls per {per}, by outcome", f"{report.now.calls:,} calls"),
        days,
        [Series(key, OUTCOMES[key], [sums.outcomes[key] for sums in bars]) for key in OUTCOMES],
        lambda value: f"{value:,.0f}",
        whole=True,
    )
    calls.hits = hits(_outcomes)
    minutes = charts.bars(
        Chart("minutes", f"Minutes per {per}", f"{report.now.minutes:,.0f} minutes of calls"),
        days,
        [Series("minutes", "Minutes", [float(sums.minutes) for sums in bars])],
        lambda value: f"{value:,.10g}",
    )
    minutes.hits = hits(lambda sums: f"{cells.minutes(sums.minutes).text} min")
    replies = charts.lines(
        Chart("replies", f"Reply times per {per}", f"{report.now.replies.total():,} replies"),
        days,
        [Series(key, title, [sums.reply(percent) for sums in bars]) for key, title, percent in _PERCENTILES],
        lambda value: took(value) if value else "0",
    )
    replies.hits = hits(
        lambda sums: ", ".join(f"{title} {cells.reply(sums.reply(percent)).text}" for _, title, percent in _PERCENTILES)
    )
    return [calls, minutes, replies]


def cost_table(report: Report, by: str, names: Names, decimals: int) -> Table:
    """Cost by model or agent, the dearest first. What is estimated or not known has columns of its own, if any."""
    groups = _ordered(report.groups(by), by, names)
    most = max((sums.cost.exact for _, sums in groups), default=ZERO)
    columns, extra = _doubts(report.now)
    name = Column(by, GROUPINGS[by], numeric=False)
    # The cost stands first: a narrow screen shows it without scrolling.
    table = Table(
        f"cost-by-{by}",
        f"Cost by {GROUPINGS[by].lower()}",
        [name, Column("cost_usd", "Cost"), Column("bills", "Bills"), *columns],
    )

    def row(label: str, sums: Sums, share: float | None) -> list[Cell]:
        cost = cells.cost(sums.cost, decimals, share)
        return [cells.name(label), cost, cells.count(sums.cost.bills), *extra(sums, decimals)]

    for label, sums in groups:
        if sums.cost.bills:
            table.rows.append(row(label, sums, float(sums.cost.exact / most) if most else None))
    table.foot = row("All", report.now, None)
    return table


def bucket_table(report: Report, decimals: int) -> Table:
    """Tokens and sure cost by what is charged apart."""
    now = report.now
    most = max((now.quantities[name] for name in BUCKETS if name != "time"), default=0)
    table = Table(
        "tokens",
        "Tokens by kind",
        [Column("kind", "Kind", numeric=False), Column("quantity", "Tokens"), Column("cost_usd", "Cost")],
    )
    for name in BUCKETS:
        quantity, cost = now.quantities[name], now.cost.amounts.get(name, ZERO)
        if not quantity:
            continue
        counted = (
            Cell(quantity, f"{quantity:,.0f} s") if name == "time" else cells.count(quantity, float(quantity / most))
        )
        # What has no price at all is unknown, which is not nothing.
        known = name in now.cost.amounts or not any(name in of for of in now.cost.unpriced.values())
        paid = cells.amount(cost, decimals) if known else Cell("", "unknown", muted=True)
        table.rows.append([cells.name(BUCKET_NAMES[name]), counted, paid])
    table.foot = [cells.name("All"), cells.count(now.tokens), cells.amount(now.cost.exact, decimals)]
    if not now.cost.whole:
        table.notes.append("Only what is sure has a cost here.")
    return table


def group_table(report: Report, by: str, names: Names, decimals: int) -> Table:
    """Everything, by what the page is grouped by. Calls, minutes and replies belong to no model."""
    columns, extra = _doubts(report.now)
    whole = by != "model"
    of_calls = [Column("calls", "Calls"), Column("minutes", "Minutes")] if whole else []
    of_replies = [Column("p50_ms", "Reply p50"), Column("p95_ms", "Reply p95")] if whole else []
    name = Column(by, GROUPINGS[by], numeric=False)
    tokens = [
        Column("input_tokens", "Tokens in"),
        Column("cached_tokens", "of them cached"),
        Column("output_tokens", "Tokens out"),
    ]
    cost = Column("cost_usd", "Cost")
    all_columns = [name, cost, *of_calls, Column("bills", "Bills"), *tokens, *columns, *of_replies]
    table = Table(f"by-{by}", f"By {GROUPINGS[by].lower()}", all_columns)

    def row(label: str, sums: Sums) -> list[Cell]:
        fresh, cached, made = (
            int(sum(sums.quantities[one] for one in BUCKETS if one.startswith(kind)))
            for kind in ("fresh", "cached", "output")
        )
        calls = [cells.count(sums.calls), cells.minutes(sums.minutes)] if whole else []
        replies = [cells.reply(sums.reply(50)), cells.reply(sums.reply(95))] if whole else []
        counts = [cells.count(count) for count in (sums.cost.bills, fresh + cached, cached, made)]
        return [
            *(cells.name(label), cells.cost(sums.cost, decimals), *calls, *counts),
            *(*extra(sums, decimals), *replies),
        ]

    table.rows = [row(label, sums) for label, sums in _ordered(report.groups(by), by, names)]
    table.foot = row("All", report.now)
    return table


def spans(chosen: Range) -> list[tuple[date, date]]:
    """First and last day of each bar."""
    last = timedelta(days=chosen.step - 1)
    return [(first, min(first + last, chosen.last)) for first in chosen.starts]


def _ordered(groups: Mapping[Key, Sums], by: str, names: Names) -> list[tuple[str, Sums]]:
    found = [(names.of(by, key), sums) for key, sums in groups.items()]
    return sorted(found, key=lambda one: (-one[1].cost.exact, -one[1].calls, one[0]))


def _doubts(whole: Sums) -> tuple[list[Column], Callable[[Sums, int], list[Cell]]]:
    """Columns for what is not sure, of which there are none where all is."""
    columns: list[Column] = []
    makers: list[Callable[[Sums, int], Cell]] = []
    if whole.cost.missing:
        columns.append(Column("bills_without_figures", "No figures"))
        makers.append(lambda sums, _: cells.count(sums.cost.missing))
    if _without_price(whole.cost, time=False):
        columns.append(Column("tokens_without_price", "No price"))
        makers.append(lambda sums, _: cells.count(_without_price(sums.cost, time=False)))
    if _without_price(whole.cost, time=True):
        columns.append(Column("seconds_without_price", "No price, s"))
        makers.append(lambda sums, _: cells.count(_without_price(sums.cost, time=True)))
    if whole.cost.estimated:
        columns.append(Column("estimated_usd", "Estimated"))
        makers.append(lambda sums, decimals: cells.amount(Decimal(sums.cost.estimated), decimals))
    return columns, lambda sums, decimals: [make(sums, decimals) for make in makers]


def unpriced(cost: Cost) -> list[tuple[str, str]]:
    """By model, in words: how much of what has no price."""
    return [
        (
            model or "no model named",
            ", ".join(f"{_quantity(name, of[name])} ({BUCKET_NAMES[name]})" for name in BUCKETS if name in of),
        )
        for model, of in sorted(cost.unpriced.items())
    ]


def _without_price(cost: Cost, *, time: bool) -> int | Decimal:
    """Tokens, or seconds: they have no sum."""
    found = (count for of in cost.unpriced.values() for name, count in of.items() if (name == "time") is time)
    return sum(found)


def _quantity(bucket: str, quantity: int | Decimal) -> str:
    return f"{quantity:,.0f} s" if bucket == "time" else f"{quantity:,} token{'' if quantity == 1 else 's'}"


def _outcomes(sums: Sums) -> str:
    parts: Sequence[str] = [f"{sums.outcomes[key]:,} {OUTCOMES[key].lower()}" for key in OUTCOMES if sums.outcomes[key]]
    return f"{sums.calls:,} calls ({', '.join(parts)})" if parts else "no calls"


def _day(chosen: Range) -> Column:
    return Column("day", "Day" if chosen.step == 1 else "Week", numeric=False)


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"


def _span(first: date, last: date) -> str:
    return f"{first:%a} {_short(first)}" if first == last else f"{_short(first)} to {_short(last)}"
