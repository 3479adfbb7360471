"""The history of calls: filtered, newest first, by keyset. Reads only.

A page is the same page while calls come in: its cursor names a call, not a number of them. Pages of words that are
looked for come from selectors.search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from calls.domain.attention import FAULTS
from calls.domain.filters import Filters, Mark, Outcome
from calls.domain.states import CallState
from calls.domain.views import Body
from calls.exceptions import InvalidInput, TooWide
from calls.models import Agent, Call, Gap, ProviderAccount, Turn
from calls.models.calls import LIVE_STATES
from calls.selectors import charges, search
from calls.selectors.limits import in_time
from calls.selectors.live import row_body

LIMIT = 500
"""Calls of one page at most"""
DROP_MS = 300
"""For each question which filter is in the way"""

# The same digits as calls.domain.redaction shows, or nothing.
_SEEN = r"regexp_replace(substring(from_number from '\+?[0-9][0-9 ().\-/]{5,}[0-9]'), '[^0-9]', '', 'g')"
_DIGITS = "regexp_replace({column}, '[^0-9]', '', 'g')"
_FIGURES = """
select call_id, count(*) filter (where kind = 'message' and speaker in ('caller', 'agent')),
       count(*) filter (where status = 'cut_off'),
       percentile_disc(0.5) within group (order by reply_ms)
from calls_turn where call_id = any(%s) group by call_id
"""


@dataclass(frozen=True, slots=True)
class Page:
    """One page; `older` and `newer` are cursors of its neighbours, None where there is none."""

    rows: list[Body]
    older: str | None
    newer: str | None


def page(filters: Filters, *, reveal: bool, limit: int, before: str | None = None, after: str | None = None) -> Page:
    """Calls older than the cursor `before`, or newer than `after`, or the newest.

    Raises InvalidInput, also for words that name nothing, and TooWide.
    """
    limit = min(limit, LIMIT)
    with in_time():
        if filters.text:
            search.check(filters.text)
        found = _found(filters, reveal=reveal, count=limit + 1, before=before, after=after)
        if after and len(found) <= limit:
            # Less than a page is newer: it is the first page, with what came in meanwhile.
            before = after = None
            found = _found(filters, reveal=reveal, count=limit + 1)
        more, found = len(found) > limit, found[:limit]
        if after:
            found.reverse()
        bodies = _bodies(found, filters, reveal=reveal)
    older = bool(after) or more
    newer = bool(before) or (bool(after) and more)
    return Page(
        bodies,
        _cursor(found[-1]) if found and older else None,
        _cursor(found[0]) if found and newer else None,
    )


def webhook_tokens() -> list[str]:
    """Ends of the addresses to which the provider announces calls. For those who manage accounts."""
    return list(ProviderAccount.objects.order_by("id").values_list("path_token", flat=True)[:LIMIT])


def agents() -> list[tuple[str, str]]:
    """Code and name of the tenant's agents, for a choice."""
    return [(str(code), name) for code, name in Agent.objects.order_by("name").values_list("code", "name")[:LIMIT]]


def in_the_way(filters: Filters, *, reveal: bool) -> list[str]:
    """Names of filters without which there are calls; nothing is said of those that take longer to try."""
    names = []
    for name in filters.used() if len(filters.used()) > 1 else []:
        try:
            with in_time(DROP_MS):
                if _found(filters.without(name), reveal=reveal, count=1):
                    names.append(name)
        except TooWide:
            continue
    return names


def _found(
    filters: Filters, *, reveal: bool, count: int, before: str | None = None, after: str | None = None
) -> list[Call]:
    calls = _matching(filters, reveal=reveal).order_by("-started_at", "-id")
    if cursor := before or after:
        at, pk = _read_cursor(cursor, "before" if before else "after")
        # One comparison of both, so that the index can begin at the cursor.
        calls = calls.filter(Q(started_at__lte=at) if before else Q(started_at__gte=at))
        calls = calls.exclude(Q(started_at=at) & (Q(pk__gte=pk) if before else Q(pk__lte=pk)))
        if after:
            calls = calls.order_by("started_at", "id")
    if not filters.text:
        return list(calls.select_related("agent", "instruction_version")[:count])
    ids = search.first(calls, filters.text, count)
    rows = Call.objects.select_related("agent", "instruction_version").in_bulk(ids)
    return [rows[pk] for pk in ids]


def _matching(filters: Filters, *, reveal: bool) -> QuerySet[Call]:
    calls = _outcome(Call.objects.all(), filters.outcome)
    if filters.reason:
        calls = calls.filter(end_reason=filters.reason)
    if filters.agent:
        calls = calls.filter(agent__code=filters.agent)
    if filters.version is not None:
        calls = calls.filter(instruction_version__number=filters.version)
    if filters.caller:
        calls = _caller(calls, filters.caller, reveal=reveal)
    if filters.dialled:
        calls = _number(calls, "to_number", filters.dialled)
    if filters.period.since:
        calls = calls.filter(started_at__gte=filters.period.since)
    if filters.period.until:
        calls = calls.filter(started_at__lt=filters.period.until)
    return _marked(_length(calls, filters), filters.mark)


def _outcome(calls: QuerySet[Call], outcome: Outcome | None) -> QuerySet[Call]:
    """Mirrors calls.web.words.face."""
    failed = Q(state=CallState.LOST) | Q(state=CallState.ENDED, end_reason__in=FAULTS)
    match outcome:
        case Outcome.LIVE:
            return calls.filter(state__in=LIVE_STATES)
        case Outcome.FAILED:
            return calls.filter(failed)
        case Outcome.ENDED:
            return calls.filter(state=CallState.ENDED).exclude(end_reason__in=FAULTS)
        case Outcome.REFUSED | Outcome.MISSED:
            return calls.filter(state=outcome.value)
    return calls


def _length(calls: QuerySet[Call], filters: Filters) -> QuerySet[Call]:
    """As the page counts it: from the answer, or the announcement, to the end."""
    if filters.shortest is None and filters.longest is None:
        return calls
    begun = Coalesce("answered_at", "started_at", output_field=DateTimeField())
    calls = calls.alias(took=ExpressionWrapper(F("ended_at") - begun, output_field=DurationField()))
    if filters.shortest is not None:
        calls = calls.filter(took__gte=timedelta(seconds=filters.shortest))
    if filters.longest is not None:
        # `1:30` is all that reads 1:30.
        calls = calls.filter(took__lt=timedelta(seconds=filters.longest + 1))
    return calls


def _caller(calls: QuerySet[Call], wanted: str, *, reveal: bool) -> QuerySet[Call]:
    """A part of the number; without *reveal* only the last four digits as a whole, which are shown anyway."""
    if reveal:
        return _number(calls, "from_number", wanted)
    if len(wanted) != 4 or not (wanted.isascii() and wanted.isdigit()):
        raise InvalidInput("takes the last four digits: your role sees no more of a number", "caller")
    seen = RawSQL(f"case when length({_SEEN}) >= 7 then right({_SEEN}, 4) end", [])  # noqa: S611  no input
    return calls.alias(seen=seen).filter(seen=wanted)


def _number(calls: QuerySet[Call], column: str, wanted: str) -> QuerySet[Call]:
    digits = "".join(one for one in wanted if one.isascii() and one.isdigit())
    if not digits or any(one.isalpha() for one in wanted):
        return calls.filter(**{f"{column}__icontains": wanted})
    plain = RawSQL(_DIGITS.format(column=column), [])  # noqa: S611  a column of ours
    return calls.alias(plain=plain).filter(plain__contains=digits)


def _marked(calls: QuerySet[Call], mark: Mark | None) -> QuerySet[Call]:
    match mark:
        case Mark.INTERRUPTED:
            return calls.filter(Exists(Turn.objects.filter(call=OuterRef("pk"), status="cut_off")))
        case Mark.TOOL_FAILED:
            return calls.filter(tool_failed_at__isnull=False)
        case Mark.ASKED:
            return calls.filter(asked_for_person_at__isnull=False)
        case Mark.GAP:
            return calls.filter(Exists(Gap.objects.filter(call=OuterRef("pk"))))
        case Mark.INCOMPLETE:
            return calls.filter(usage_incomplete=True)
    return calls


def _bodies(found: Sequence[Call], filters: Filters, *, reveal: bool) -> list[Body]:
    """Rows as the live page has them, with the figures of the whole call."""
    ids = [call.pk for call in found]
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, [ids])
        figures: dict[int, tuple[Any, ...]] = {row[0]: row[1:] for row in cursor.fetchall()}
    gaps = set(Gap.objects.filter(call__in=ids).values_list("call_id", flat=True))
    hits = search.hits(ids, filters.text) if filters.text else {}
    costs = charges.of_calls(ids)
    bodies = []
    for call in found:
        turns, interruptions, reply = figures.get(call.pk, (0, 0, None))
        extra = {"turns": turns, "interruptions": interruptions, "reply_p50_ms": reply}
        extra |= {"call_id": call.call_id, "gap": call.pk in gaps, "hits": hits.get(call.pk), "cost": costs[call.pk]}
        bodies.append(row_body(call, reveal=reveal) | extra)
    return bodies


def _cursor(call: Call) -> str:
    return f"{call.started_at.isoformat()}_{call.pk}"


def _read_cursor(cursor: str, field: str) -> tuple[datetime, int]:
    try:
        at, pk = cursor.rsplit("_", 1)
        started_at = datetime.fromisoformat(at)
        if started_at.tzinfo is None or not 0 <= int(pk) < 2**63:
            raise ValueError("out of range")
        return started_at, int(pk)
    except ValueError as error:
        raise InvalidInput("not a position in this list: start again from its first page", field) from error
