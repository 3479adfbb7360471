"""The audit log by filters and keyset pages, and the last change of one object. Reads only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from calls.domain.views import iso
from calls.exceptions import InvalidInput
from calls.models import AuditEntry

EXPORT_LIMIT = 20_000
"""Entries of one file; the oldest are left out"""
CHUNK = 2_000
FIELDS = ("at", "who", "verb", "object_kind", "object_code", "detail")
_FAR = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Filters:
    """Empty values filter nothing."""

    who: str = ""
    verb: str = ""
    """A whole verb, or its first part: `agent`"""
    object: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """Not included"""


@dataclass(frozen=True, slots=True)
class Page:
    entries: list[AuditEntry]
    next: str
    """The key of the page after this one; empty at the end"""


def page(filters: Filters, *, before: str = "", limit: int = 50) -> Page:
    """The newest first. Raises InvalidInput for a key that no page gave."""
    found = _filtered(filters)
    if before:
        at, pk = _key(before)
        found = found.filter(Q(at__lt=at) | Q(at=at, pk__lt=pk))
    entries = list(found[: limit + 1])
    more = len(entries) > limit
    return Page(entries[:limit], _key_of(entries[limit - 1]) if more else "")


def rows(filters: Filters) -> Iterator[dict[str, Any]]:
    """For a file, newest first, read through a server-side cursor; at most EXPORT_LIMIT."""
    for entry in _filtered(filters)[:EXPORT_LIMIT].iterator(CHUNK):
        yield {
            "at": iso(entry.at),
            "who": entry.actor_label,
            "verb": entry.verb,
            "object_kind": entry.object_kind,
            "object_code": entry.object_code,
            "detail": json.dumps(entry.detail, ensure_ascii=False) if entry.detail else None,
        }


def last_of(kind: str, code: object) -> AuditEntry | None:
    """The last thing that was done to an object."""
    return AuditEntry.objects.filter(object_kind=kind, object_code=str(code)).order_by("-at", "-pk").first()


def verbs() -> list[str]:
    """Verbs that the tenant's log holds, from its newest entries."""
    newest = AuditEntry.objects.order_by("-at").values("verb")[:5_000]
    return sorted({row["verb"] for row in newest})


def _filtered(filters: Filters) -> QuerySet[AuditEntry]:
    found = AuditEntry.objects.order_by("-at", "-pk")
    if filters.who:
        found = found.filter(actor_label__icontains=filters.who)
    if filters.verb:
        found = found.filter(Q(verb=filters.verb) | Q(verb__startswith=f"{filters.verb}."))
    if filters.object:
        needle = filters.object
        found = found.filter(Q(object_code__icontains=needle) | Q(detail__name__icontains=needle))
    if filters.since:
        found = found.filter(at__gte=filters.since)
    if filters.until:
        found = found.filter(at__lt=filters.until)
    return found


def _key_of(entry: AuditEntry) -> str:
    return f"{entry.at.isoformat()}~{entry.pk}"


def _key(text: str) -> tuple[datetime, int]:
    moment, _, number = text.partition("~")
    try:
        at, pk = datetime.fromisoformat(moment), int(number)
    except ValueError:
        raise InvalidInput("is no place in this list", "before") from None
    if at.tzinfo is None or not 0 < pk < _FAR:
        raise InvalidInput("is no place in this list", "before")
    return at, pk
