"""How the processes of the installation are: for platform staff as a page, for their monitoring as JSON.

Shows what each process counts of itself, with its bounds. Knows no tenant, no call and no address of a service.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from calls.conf import conf
from calls.exceptions import NotFound
from calls.models import User
from calls.selectors.processes import SHOWN, Process, processes

NEARLY = 0.8
"""Share of a bound from which on a figure is marked"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of a table."""

    name: str
    """Of the counter"""
    title: str
    unit: str = ""
    """ms, bytes, or nothing for plain numbers"""
    quiet: bool = False
    """Should be nought: any other number is marked"""


MEMORY = (Figure("descriptors", "Files and sockets open"), Figure("memory_bytes", "Memory", "bytes"))
KINDS: tuple[tuple[str, str, str, tuple[Figure, ...]], ...] = (
    (
        "sideband",
        "Sideband workers",
        "No sideband worker is running: calls are neither answered nor watched.",
        (
            Figure("lag_ms", "Loop late by, at worst since the last beat", "ms"),
            Figure("waiting", "Changes that wait in memory"),
            Figure("waiting_bytes", "Memory of these", "bytes"),
            Figure("spool_bytes", "Spool file", "bytes", quiet=True),
            Figure("dropped", "Changes dropped", quiet=True),
            Figure("fenced", "Writes refused, as the call had another owner"),
            Figure("let_go", "Calls let go, as PostgreSQL was silent", quiet=True),
            Figure("announcements", "Announcements that wait for Redis"),
            Figure("announcements_lost", "Announcements lost", quiet=True),
            Figure("odd_frames", "Frames not understood, malformed or out of order"),
            Figure("oversized_frames", "Frames too large", quiet=True),
            Figure("redials", "Redials"),
            Figure("dials_waiting", "Dials that wait for their turn"),
            *MEMORY,
        ),
    ),
    (
        "web",
        "Web",
        "No web process has been heard of. This page came from one that cannot write to the database.",
        (
            Figure("sockets", "Pages that follow the feed"),
            Figure("turned_away", "Pages turned away: too many, or too many frames", quiet=True),
            Figure("hints_left_out", "Hints left out for readers who did not keep up"),
            Figure("readers_closed", "Readers closed who did not keep up"),
            Figure("nudges", "Nudges sent to the workers"),
            Figure("nudges_lost", "Nudges lost", quiet=True),
            Figure("announcements_lost", "Announcements lost", quiet=True),
            *MEMORY,
        ),
    ),
    (
        "jobs",
        "Jobs and beat",
        "No round of the jobs has been heard of: commands and calls that no worker settles stay open.",
        MEMORY,
    ),
)


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    tone: str = ""
    note: str = ""
    """What the tone says, in words"""
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    bound: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Table:
    kind: str
    title: str
    absent: str
    heads: list[tuple[str, Cell]]
    """Host and pid, and how the process is"""
    rows: list[Row]


@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Raises NotFound for all but staff, as for an address that does not exist."""
    if not cast(User, request.user).is_staff:
        raise NotFound("status")
    found = processes()
    tables = [_table(*kind, [one for one in found if one.kind == kind[0]]) for kind in KINDS]
    marked = sum(1 for table in tables for cell in _all(table) if cell.tone)
    context = {
        "tables": tables,
        "marked": marked,
        "look": f"{marked} {'figure' if marked == 1 else 'figures'} to look at, marked below.",
        "empty": [table.absent for table in tables if not table.heads],
        "as_of": f"As of {timezone.now():%H:%M:%S} UTC",
        "more": len(found) == SHOWN,
    }
    return render(request, "status.html", context)


@login_not_required
@require_safe
def status_json(request: HttpRequest) -> JsonResponse:
    """The same for programs: with a session of the staff, or STATUS_TOKEN as the bearer's."""
    if not (getattr(request.user, "is_staff", False) or _has_token(request)):
        raise NotFound("status")
    return JsonResponse({"processes": [_plain(one) for one in processes()]})


def _has_token(request: HttpRequest) -> bool:
    wanted = conf().status_token
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return bool(wanted) and scheme == "Bearer" and secrets.compare_digest(given.encode(), wanted.encode())


def _plain(one: Process) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "host": one.host,
        "pid": one.pid,
        "up_s": round(one.up.total_seconds()),
        "quiet_s": round(one.quiet.total_seconds(), 1),
        "stale": one.stale,
        "calls": one.calls,
        "slots": one.slots,
        "counters": one.counters,
    }


def _all(table: Table) -> Iterator[Cell]:
    yield from (cell for _, cell in table.heads)
    yield from (cell for row in table.rows for cell in row.cells)


def _table(kind: str, title: str, absent: str, figures: Sequence[Figure], found: Sequence[Process]) -> Table:
    rows = [
        Row("Up for", "", [Cell(span(one.up)) for one in found]),
        Row("Last heard of", "", [Cell(f"{span(one.quiet)} ago") for one in found]),
    ]
    if kind == "sideband":
        slots = {one.slots for one in found}
        bound = f"{slots.pop():,}" if len(slots) == 1 else ""
        rows.append(Row("Calls", bound, [_cell(Figure("calls", ""), [one.calls, one.slots]) for one in found]))
    rows += [_row(figure, found) for figure in figures]
    return Table(kind, title, absent, [(f"{one.host} {one.pid}", _state(one)) for one in found], rows)


def _state(one: Process) -> Cell:
    return Cell("silent", "bad", "its beat is overdue") if one.stale else Cell("alive")


def _row(figure: Figure, found: Sequence[Process]) -> Row:
    values = [one.counters.get(figure.name) for one in found]
    bounds = {value[1] for value in values if isinstance(value, list)}
    bound = amount(bounds.pop(), figure.unit) if len(bounds) == 1 else "differs" if bounds else ""
    return Row(figure.title, bound, [_cell(figure, value) for value in values])


def _cell(figure: Figure, value: Any) -> Cell:
    """A figure that an older process does not count is absent, not nought."""
    if value is None:
        return Cell("not counted", absent=True)
    number, bound = value if isinstance(value, list) else (value, None)
    text = amount(number, figure.unit)
    if bound and number >= bound:
        return Cell(text, "bad", "at its bound")
    if bound and number >= bound * NEARLY:
        return Cell(text, "warn", "near its bound")
    if figure.quiet and number:
        return Cell(text, "warn", "should be nought")
    return Cell(text)


def amount(number: int, unit: str) -> str:
    """`1,204`, `12 ms`, `3.4 MB`."""
    if unit == "bytes":
        size, names = float(number), ["bytes", "kB", "MB", "GB"]
        while size >= 1000 and len(names) > 1:
            size /= 1024
            names.pop(0)
        return f"{size:,.0f} {names[0]}" if names[0] == "bytes" or size >= 100 else f"{size:,.1f} {names[0]}"
    return f"{number:,} {unit}".rstrip()


def span(of: timedelta) -> str:
    """`0.4 s`, `12 min`, `3 h 05 min`, `4 d 3 h`."""
    seconds = of.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"
