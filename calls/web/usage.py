"""The usage page: what a stretch of days cost and how it went, and each of its tables as CSV. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from calls.domain import ranges
from calls.domain.ranges import Range
from calls.domain.roles import Capability
from calls.exceptions import InvalidInput, NotFound, TooWide
from calls.selectors import charges
from calls.selectors import usage as selectors
from calls.selectors.files import disarmed, spreadsheet
from calls.selectors.limits import in_time
from calls.web import cells, problems, usage_tables
from calls.web.access import TenantRequest, tenant_view
from calls.web.cells import Table
from calls.web.report import GROUPINGS, Report, report
from calls.web.usage_tables import Names


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for."""

    range: Range
    by: str
    now: datetime
    error: InvalidInput | None = None

    @property
    def query(self) -> dict[str, str]:
        chosen = self.range
        if chosen.preset:
            return {"range": chosen.preset, "by": self.by}
        return {"since": chosen.first.isoformat(), "until": chosen.last.isoformat(), "by": self.by}


@require_safe
@tenant_view(Capability.BILL)
def usage(request: TenantRequest) -> HttpResponse:
    asked = _asked(request)
    context: dict[str, Any] = {
        "member": request.member,
        "section": "usage",
        "asked": asked,
        "given": request.GET,
        "range_error": problems.sentence(request, asked.error) if asked.error else "",
        "presets": [(key, name, urlencode({"range": key, "by": asked.by})) for key, name in ranges.PRESETS.items()],
        "groupings": [(key, name, urlencode(asked.query | {"by": key})) for key, name in GROUPINGS.items()],
        "query": urlencode(asked.query),
    }
    try:
        context |= _figures(request, asked)
    except TooWide as error:
        return render(request, "usage.html", context | {"too_wide": True}, status=error.http_status)
    return render(request, "usage.html", context, status=422 if asked.error else 200)


def _figures(request: TenantRequest, asked: Asked) -> dict[str, Any]:
    made, names = _read(request, asked)
    decimals = cells.places(made.now.cost.exact)
    tables = usage_tables.days_table(made, asked.range, names)
    return {
        "report": made,
        "tiles": _tiles(made, decimals),
        "costs": [usage_tables.cost_table(made, by, names, decimals) for by in ("model", "agent")],
        "charts": list(zip(usage_tables.day_charts(made, asked.range, names), tables, strict=True)),
        "tokens": usage_tables.bucket_table(made, decimals),
        "groups": usage_tables.group_table(made, asked.by, names, decimals),
        "unpriced": usage_tables.unpriced(made.now.cost),
        "nearest": _nearest(request, asked) if made.empty else "",
        "before": _before(asked),
    }


@require_safe
@tenant_view(Capability.BILL)
def table(request: TenantRequest, key: str) -> HttpResponse:
    """One table of the page as CSV, with exact amounts."""
    asked = _asked(request)
    if asked.error:
        raise asked.error
    made, names = _read(request, asked)
    tables = [
        *usage_tables.days_table(made, asked.range, names),
        *(usage_tables.cost_table(made, by, names, 2) for by in ("model", "agent")),
        usage_tables.bucket_table(made, 2),
        *(usage_tables.group_table(made, by, names, 2) for by in GROUPINGS),
    ]
    found = next((one for one in tables if one.key == key), None)
    if found is None:
        raise NotFound("no such table")
    return _csv(found, f"{request.member.slug}-{key}-{asked.range.first}-{asked.range.last}.csv")


def _csv(found: Table, name: str) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = spreadsheet(response, [column.key for column in found.columns])
    writer.writerows([disarmed(cell.value) for cell in row] for row in found.rows)
    return response


def _asked(request: TenantRequest) -> Asked:
    """What cannot be read is answered with the usual range, and said."""
    zone, now = request.member.timezone, timezone.now()
    today = now.astimezone(ZoneInfo(zone)).date()
    given = request.GET
    by = given.get("by", "agent")
    by = by if by in GROUPINGS else "agent"
    try:
        if given.get("since") or given.get("until"):
            return Asked(ranges.picked(given.get("since", ""), given.get("until", ""), today, zone), by, now)
        return Asked(ranges.preset(given.get("range") or ranges.DEFAULT, today, zone), by, now)
    except InvalidInput as error:
        return Asked(ranges.preset(ranges.DEFAULT, today, zone), by, now, error)


def _read(request: TenantRequest, asked: Asked) -> tuple[Report, Names]:
    """Raises TooWide."""
    edges, prices = asked.range.edges(asked.now), charges.price_lists()
    with in_time():
        made = report(
            asked.range.starts,
            prices,
            selectors.usage(edges, prices),
            selectors.calls(edges),
            selectors.replies(edges),
        )
    list_of_calls = reverse("calls", args=[request.member.slug])

    def calls_of(first: date, last: date) -> str:
        return f"{list_of_calls}?{urlencode({'since': first.isoformat(), 'until': last.isoformat()})}"

    return made, Names(*selectors.names(), calls_of)


def _tiles(made: Report, decimals: int) -> list[dict[str, Any]]:
    now, before = made.now, made.before
    talked = cells.minutes(now.minutes).text if now.calls else ""
    paid = cells.money(now.cost.exact, decimals) if now.cost.bills and now.cost.known else ""
    comparable = now.cost.known and before.cost.known
    cheaper = cells.change(now.cost.exact, before.cost.exact) if comparable else ""
    tiles = [
        _tile("calls", "Calls", f"{now.calls:,}" if now.calls else "", cells.change(now.calls, before.calls)),
        _tile("minutes", "Minutes", talked, cells.change(now.minutes, before.minutes)),
        _tile("cost", "Cost" if now.cost.whole else "Cost, at least", paid, cheaper, exact=f"{now.cost.exact:f}"),
    ]
    for percent, name in ((50, "median"), (95, "p95")):
        ms = now.reply(percent)
        text = cells.reply(ms).text if ms is not None else ""
        tiles.append(_tile(f"p{percent}", f"Reply time, {name}", text, cells.change(ms, before.reply(percent))))
    return tiles


def _tile(key: str, title: str, text: str, change: str, *, exact: str = "") -> dict[str, Any]:
    return {"key": key, "title": title, "text": text, "change": change if text else "", "exact": exact}


def _before(asked: Asked) -> str:
    """What figures are compared with, in words."""
    chosen = asked.range
    first, last = (f"{day.day} {day:%b}" for day in (chosen.before, chosen.before_last))
    span = first if first == last else f"{first} to {last}"
    return f"{span}, up to the same time" if asked.now < chosen.until else span


def _nearest(request: TenantRequest, asked: Asked) -> str:
    """The query of the last day before this range, or the first one after it, that has calls; empty if none has."""
    found = selectors.nearest_call(asked.range.since)
    if found is None:
        return ""
    day = found.astimezone(ZoneInfo(request.member.timezone)).date().isoformat()
    return urlencode({"since": day, "until": day, "by": asked.by})
