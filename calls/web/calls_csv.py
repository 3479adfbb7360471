"""The rows of the history, as they are filtered, as a CSV file: streamed in pages, so that memory stays flat.

For spreadsheets, as all CSV that is downloaded: texts that would run as formulas are disarmed (calls.selectors.files).
Numbers are masked as on the page. Larger exports are jobs.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from calls.actions import exports
from calls.domain.filters import Filters
from calls.domain.roles import Capability
from calls.exceptions import InvalidInput, TooWide
from calls.selectors import files, history
from calls.selectors.history import Page
from calls.tenancy import tenant_scope
from calls.web.access import TenantRequest, tenant_view
from calls.web.calls import form_of
from calls.web.rows import moment

MOST = 10_000
PAGE = 500
FIELDS = (
    "call_id", "state", "end_reason", "detail", "from", "to", "agent", "instruction_version", "started_at",
    "answered_at", "ended_at", "length_s", "turns", "reply_p50_ms", "cut_off", "not_watched", "usage_incomplete",
    "cost_usd", "cost_complete", "found",
)  # fmt: skip
CUT = "Not complete: at most {most:,} calls are in one file. Ask about a shorter time, or use Exports."
BROKEN = "Not complete: reading the calls took too long. Ask about a shorter time."
"""Last lines of a file that is not all of it: nobody should take it for all"""


@require_safe
@tenant_view(Capability.SEE)
def calls_csv(request: TenantRequest) -> StreamingHttpResponse:
    form = form_of(request)
    wanted = form.filters(timezone.now())
    if wanted is None:
        name, errors = next(iter(form.errors.items()))
        raise InvalidInput(f"{form[name].label}: {errors[0]}", name)
    member = request.member
    reveal = exports.begin_view("calls", filters=wanted.used(), by=member.actor)
    # The first page is read here, so that what is wrong with the question is still an answer of its own.
    first = history.page(wanted, reveal=reveal, limit=PAGE)
    response = StreamingHttpResponse(
        _lines(first, wanted, member.tenant_id, reveal=reveal), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="calls-{member.slug}-{timezone.now():%Y-%m-%d}.csv"'
    return response


async def _lines(first: Page, wanted: Filters, tenant: UUID, *, reveal: bool) -> AsyncIterator[str]:
    page, left, end = first, MOST, ""
    head = io.StringIO()
    files.spreadsheet(head, FIELDS)
    yield head.getvalue()
    while True:
        for line in _body(page.rows[:left]):
            yield line
        left -= len(page.rows)
        if page.older is None:
            return
        if left <= 0:
            end = CUT.format(most=MOST)
            break
        try:
            page = await sync_to_async(_page)(wanted, tenant, page.older, reveal=reveal)
        except TooWide:
            end = BROKEN
            break
    yield f"{end}\r\n"


def _page(wanted: Filters, tenant: UUID, before: str, *, reveal: bool) -> Page:
    """Each in a transaction of its own: a slow reader of the file holds none open."""
    with tenant_scope(tenant):
        return history.page(wanted, reveal=reveal, limit=PAGE, before=before)


def _body(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    lines = files.csv_lines((_record(row) for row in rows), FIELDS)
    next(lines)  # the header, which stands at the top only
    return lines


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    begun, ended = moment(row["answered_at"]) or moment(row["started_at"]), moment(row["ended_at"])
    hits, cost = row["hits"], row["cost"]
    return {
        **{name: row[name] for name in FIELDS if name in row},
        "instruction_version": row["version"],
        "length_s": round((ended - begun).total_seconds()) if begun and ended else None,
        "cut_off": row["interruptions"],
        "not_watched": "yes" if row["gap"] else "no",
        "usage_incomplete": "yes" if row["usage_incomplete"] else "no",
        "cost_usd": cost.exact + cost.estimated if cost.bills and cost.known else None,
        "cost_complete": "yes" if cost.whole else "no",
        "found": " … ".join("".join(piece.text for piece in one.pieces) for one in hits.snippets) if hits else None,
    }
