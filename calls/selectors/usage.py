"""Usage, calls and reply times of a stretch of time, summed by its parts. Reads only, inside a tenant_scope.

`edges` are the moments at which parts begin, in order, and the end of the last one; parts count from 1. Figures are
those of the moment of reading: sums of quarter hours (models.usage) where they are right, rows where they are marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.db import connection

from calls.domain.prices import TOKEN_BUCKETS, Prices, Record, Used
from calls.models import Agent, Call, InstructionVersion
from calls.models.base import current_tenant

QUARTER = "date_bin('15 minutes', {at}, timestamptz '2000-01-01 00:00:00+00')"
SUM_COLUMNS = (*TOKEN_BUCKETS, "seconds")
ROW_COLUMNS = (
    "u.input_text - u.cached_text",
    "u.input_audio - u.cached_audio",
    "u.input_image - u.cached_image",
    "u.cached_text",
    "u.cached_audio",
    "u.cached_image",
    "u.output_text",
    "u.output_audio",
    "coalesce(u.seconds, 0)",
)
"""The same of one row, where cached tokens are a part of the input"""

_USAGE = f"""
with marks as (
    select start from calls_usagemark
    where tenant_id = %(tenant)s and start > %(since)s - interval '15 minutes' and start < %(until)s
    union select {QUARTER.format(at="edge")} from unnest(array[%(since)s, %(until)s]::timestamptz[]) edge
    where edge <> {QUARTER.format(at="edge")}
), marked as materialized (
    -- Computed here: row-level security keeps what is computed in a condition away from the index.
    select start, greatest(start, %(since)s) as since, least(start + interval '15 minutes', %(until)s) as until
    from marks
), parts as (
    select start as at, model, agent, version, complete, split_known, bills, {", ".join(SUM_COLUMNS)}
    from calls_usagesum
    where tenant_id = %(tenant)s and start >= %(since)s and start < %(until)s
        and start not in (select start from marked)
    union all
    select u.at, u.model, c.agent_id, c.instruction_version_id, u.complete, u.split_known, 1, {", ".join(ROW_COLUMNS)}
    from marked m
    join calls_tokenusage u on u.tenant_id = %(tenant)s and u.at >= m.since and u.at < m.until
    join calls_call c on c.id = u.call_id
)
select width_bucket(at, %(edges)s::timestamptz[]), width_bucket(at, %(turns)s::timestamptz[]),
    model, agent, version, complete, split_known, sum(bills), {", ".join(f"sum({name})" for name in SUM_COLUMNS)}
from parts group by 1, 2, 3, 4, 5, 6, 7
"""  # noqa: S608  columns of our own

_CALLS = """
select width_bucket(started_at, %(edges)s::timestamptz[]), agent_id, instruction_version_id, state, end_reason,
    count(*), coalesce(sum(extract(epoch from coalesce(ended_at, now()) - answered_at)), 0)
from calls_call
where tenant_id = %(tenant)s and started_at >= %(since)s and started_at < %(until)s
group by 1, 2, 3, 4, 5
"""

_STEP = "case when t.reply_ms < 2000 then t.reply_ms / 10 * 10 else t.reply_ms / 100 * 100 end"
_REPLIES = f"""
select width_bucket(t.started_at, %(edges)s::timestamptz[]), c.agent_id, c.instruction_version_id, {_STEP}, count(*)
from calls_turn t join calls_call c on c.id = t.call_id
where t.tenant_id = %(tenant)s and t.reply_ms is not null
    and t.started_at >= %(since)s and t.started_at < %(until)s
group by 1, 2, 3, 4
"""  # noqa: S608  columns of our own


@dataclass(frozen=True, slots=True)
class UsageLine:
    part: int
    agent: int | None
    version: int | None
    record: Record


@dataclass(frozen=True, slots=True)
class CallLine:
    """Calls by the part in which they began."""

    part: int
    agent: int | None
    version: int | None
    state: str
    end_reason: str
    calls: int
    seconds: Decimal
    """From answer to end; of live calls, up to now"""


@dataclass(frozen=True, slots=True)
class ReplyLine:
    """Replies by the part in which they began, in steps of 10 ms, from 2 s on of 100 ms."""

    part: int
    agent: int | None
    version: int | None
    ms: int
    count: int


def usage(edges: Sequence[datetime], prices: Prices) -> Iterator[UsageLine]:
    """Usage by when it was billed. Every line lies between two changes of prices, so its day finds its list."""
    days = [day for day in prices.days if edges[0] < _moment(day) < edges[-1]]
    starts = [edges[0].astimezone(UTC).date(), *days]
    for row in _rows(_USAGE, edges, turns=[_moment(day) for day in days]):
        part, turn, model, agent, version, complete, split_known, bills, *sums = row
        used = Used(tuple(int(count) for count in sums[:-1]), sums[-1])
        yield UsageLine(part, agent, version, Record(model, starts[turn], used, int(bills), complete, split_known))


def calls(edges: Sequence[datetime]) -> list[CallLine]:
    return [CallLine(*row) for row in _rows(_CALLS, edges)]


def replies(edges: Sequence[datetime]) -> list[ReplyLine]:
    return [ReplyLine(*row) for row in _rows(_REPLIES, edges)]


def _rows(query: str, edges: Sequence[datetime], **values: Any) -> list[Any]:
    whole = {"tenant": current_tenant.get(), "since": edges[0], "until": edges[-1], "edges": list(edges)}
    with connection.cursor() as cursor:
        cursor.execute(query, whole | values)
        found: list[Any] = cursor.fetchall()
        return found


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def nearest_call(at: datetime) -> datetime | None:
    """When the last call before `at` began, else the first one after it."""
    starts = Call.objects.values_list("started_at", flat=True)
    before = starts.filter(started_at__lt=at).order_by("-started_at").first()
    return before or starts.filter(started_at__gte=at).order_by("started_at").first()


def names() -> tuple[dict[int, str], dict[int, int]]:
    """Names of agents and numbers of versions, by their keys."""
    agents = dict(Agent.objects.values_list("pk", "name"))
    return agents, dict(InstructionVersion.objects.values_list("pk", "number"))
