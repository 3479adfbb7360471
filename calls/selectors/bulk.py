"""Rows of exports in bulk: tuples in batches from a server-side cursor, so that memory stays flat. Reads only.

Call inside a tenant_scope and finish there. Values are as the database has them; calls.actions.export_files writes
them. Calls, transcripts and usage count by the start of the call, charges by the moment of the bill, as the usage
page does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from psycopg import ServerCursor

from calls.domain.periods import Period
from calls.domain.prices import BUCKETS, FEMTO, TOKEN_BUCKETS, PriceList, Prices
from calls.domain.redaction import mask_number
from calls.models.base import current_tenant
from calls.selectors.charges import price_lists
from calls.selectors.usage import ROW_COLUMNS

Row = tuple[Any, ...]
BATCH = 5_000
STATEMENT_MINUTES = 10
"""How long one statement of an export may take; then it is cancelled and the export fails"""
_NO_UNITS = (None,) * len(BUCKETS)
_TOKENS = (
    "input_text", "input_audio", "input_image", "cached_text", "cached_audio", "cached_image", "output_text",
    "output_audio",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: str = "text"
    """text, number, time, seconds, money or day"""


def _texts(*names: str) -> list[Column]:
    return [Column(name) for name in names]


COLUMNS: Mapping[str, list[Column]] = {
    "calls": [
        *_texts("call_id", "state", "end_reason", "from", "to", "agent"),
        Column("instruction_version", "number"),
        *(Column(name, "time") for name in ("started_at", "answered_at", "ended_at")),
    ],
    "transcripts": [
        *_texts("call_id", "item_id"),
        Column("position", "number"),
        *_texts("kind", "speaker", "text", "heard_text", "name", "arguments", "output", "transcription", "status"),
        *(Column(name, "time") for name in ("started_at", "ended_at")),
    ],
    "usage": [
        *_texts("call_id", "kind", "response_id", "item_id", "model"),
        *(Column(f"{name}_tokens", "number") for name in _TOKENS),
        Column("seconds", "seconds"),
        *_texts("state"),
    ],
    "charges": [
        Column("at", "time"),
        *_texts("call_id", "agent"),
        Column("instruction_version", "number"),
        *_texts("kind", "response_id", "item_id", "model"),
        *(Column(f"{name}_tokens", "number") for name in TOKEN_BUCKETS),
        Column("seconds", "seconds"),
        Column("prices_from", "day"),
        Column("amount_usd", "money"),
        *_texts("certainty", "without_price"),
    ],
}
"""Of charges: an amount that is not known is empty, and `certainty` says why; one that holds only what has a price is
`at least` so much, and `without_price` names the rest. Fresh tokens were not in the cache."""

_CALLS = """
select c.call_id, c.state, nullif(c.end_reason, ''), nullif(c.from_number, ''), nullif(c.to_number, ''), a.name,
    v.number, c.started_at, c.answered_at, c.ended_at
from calls_call c left join calls_agent a on a.id = c.agent_id
left join calls_instructionversion v on v.id = c.instruction_version_id
where c.tenant_id = %(tenant)s and c.started_at >= %(since)s and c.started_at < %(until)s
order by c.started_at, c.id
"""
_TRANSCRIPTS = """
select c.call_id, t.item_id, row_number() over (partition by t.call_id order by t.rank, t.id), t.kind, t.speaker,
    t.text, t.heard_text, nullif(t.name, ''), case t.kind when 'tool_call' then t.arguments end,
    case t.kind when 'tool_output' then t.output end,
    case t.transcription when 'pending' then case when c.ended_at is not null then 'missing' end
        else t.transcription end,
    t.status, t.started_at, t.ended_at
from calls_turn t join calls_call c on c.id = t.call_id
where t.tenant_id = %(tenant)s and c.tenant_id = %(tenant)s
    and c.started_at >= %(since)s and c.started_at < %(until)s
order by c.started_at, t.call_id, t.rank, t.id
"""
_OF_BILL = "case u.kind when 'response' then u.ref_id end, case u.kind when 'transcription' then u.ref_id end"
_USAGE = f"""
select c.call_id, u.kind, {_OF_BILL}, nullif(u.model, ''), {", ".join(f"u.{name}" for name in _TOKENS)}, u.seconds,
    case when u.complete then 'complete' else 'incomplete' end
from calls_tokenusage u join calls_call c on c.id = u.call_id
where u.tenant_id = %(tenant)s and c.tenant_id = %(tenant)s
    and c.started_at >= %(since)s and c.started_at < %(until)s
order by c.started_at, u.call_id, u.at, u.id
"""  # noqa: S608  columns of our own
_CHARGES = f"""
select u.at, c.call_id, a.name, v.number, u.kind, {_OF_BILL}, u.model, {", ".join(ROW_COLUMNS)}, u.complete,
    u.split_known
from calls_tokenusage u join calls_call c on c.id = u.call_id
left join calls_agent a on a.id = c.agent_id
left join calls_instructionversion v on v.id = c.instruction_version_id
where u.tenant_id = %(tenant)s and u.at >= %(since)s and u.at < %(until)s
order by u.at, u.id
"""  # noqa: S608  columns of our own
_QUERIES = {"calls": _CALLS, "transcripts": _TRANSCRIPTS, "usage": _USAGE, "charges": _CHARGES}
_COUNTED = {
    "calls": "calls_call c where c.tenant_id = %(tenant)s and c.started_at >= %(since)s and c.started_at < %(until)s",
    "transcripts": """calls_turn t join calls_call c on c.id = t.call_id where t.tenant_id = %(tenant)s
        and c.tenant_id = %(tenant)s and c.started_at >= %(since)s and c.started_at < %(until)s""",
    "usage": """calls_tokenusage u join calls_call c on c.id = u.call_id where u.tenant_id = %(tenant)s
        and c.tenant_id = %(tenant)s and c.started_at >= %(since)s and c.started_at < %(until)s""",
    "charges": "calls_tokenusage u where u.tenant_id = %(tenant)s and u.at >= %(since)s and u.at < %(until)s",
}


def lift_limits() -> None:
    """For this transaction: a statement may take STATEMENT_MINUTES, and what is done between two of them a minute.

    A count or sort hears of no cancellation before it ends, and its job holds a place for as long.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"set local statement_timeout = '{STATEMENT_MINUTES}min';"
            " set local idle_in_transaction_session_timeout = '60s'"
        )


def count(kind: str, period: Period) -> int:
    """Rows that there are."""
    with connection.cursor() as cursor:
        cursor.execute(f"select count(*) from {_COUNTED[kind]}", _values(period))  # noqa: S608  tables of our own
        return int(cursor.fetchone()[0])


def batches(kind: str, period: Period, *, reveal: bool) -> Iterator[list[Row]]:
    """Rows of a kind of COLUMNS, in batches. Without `reveal`, numbers are masked."""
    finish = _finisher(kind, reveal=reveal)
    # Not Django's cursor: psycopg's own reads times and figures in binary, at a third of the cost.
    with ServerCursor(connection.connection, name=f"export_{kind}") as cursor:
        cursor.execute(_QUERIES[kind].encode(), _values(period), binary=True)
        while found := cursor.fetchmany(BATCH):
            yield [finish(row) for row in found] if finish else found


def _finisher(kind: str, *, reveal: bool) -> Callable[[Row], Row] | None:
    if kind == "charges":
        return _Rater(price_lists())
    return _masked if kind == "calls" and not reveal else None


def _masked(row: Row) -> Row:
    return (*row[:3], *(number and mask_number(number) for number in row[3:5]), *row[5:])


class _Rater:
    """Adds its charge to a row of usage, in whole quadrillionths of a dollar: exact, and faster than decimals."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._found: dict[tuple[str, Any], tuple[PriceList, tuple[int | None, ...]] | None] = {}

    def __call__(self, row: Row) -> Row:
        *head, complete, split_known = row
        model, tokens, seconds = head[7], head[8:16], head[16]
        day, amount, without = self._rated(model, head[0], tokens, seconds)
        if not complete:
            day, amount, without, certainty = None, None, [], "no figures"
        elif amount is None:
            certainty = "no price"
        elif without:
            certainty = "at least" if split_known else "estimated, at least"
        else:
            certainty = "exact" if split_known else "estimated"
        return (*head[:7], model or None, *tokens, seconds or None, day, amount, certainty, ", ".join(without) or None)

    def _rated(
        self, model: str, at: datetime, tokens: list[int], seconds: Decimal
    ) -> tuple[Any, Decimal | None, list[str]]:
        """As domain.prices.charge does: bucket by bucket."""
        key = (model, at.astimezone(UTC).date())
        if key not in self._found:
            price = self._prices.find(*key)
            self._found[key] = (price, price.femto) if price else None
        found = self._found[key]
        day, units = (found[0].valid_from, found[1]) if found else (None, _NO_UNITS)
        total, priced, without = 0, False, []
        for name, quantity, unit in zip(BUCKETS, (*tokens, int(seconds * 1000)), units, strict=True):
            if not quantity:
                continue
            if unit is None:
                without.append(name)
            else:
                total, priced = total + quantity * unit, True
        return day, Decimal(total).scaleb(FEMTO) if priced or not without else None, without


def _values(period: Period) -> dict[str, Any]:
    """An open end is as far away as a call can be."""
    first, last = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
    return {"tenant": current_tenant.get(), "since": period.since or first, "until": period.until or last}
