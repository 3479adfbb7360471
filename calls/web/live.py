"""The Live page: first paint of the tenant's calls. The feed does the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from calls.domain.roles import Capability
from calls.selectors import calls as call_selectors
from calls.selectors import live as selectors
from calls.web import figures, narrow, words
from calls.web.access import TenantRequest, tenant_view
from calls.web.narrow import Narrowed
from calls.web.rows import most_urgent, tiles, worst_first

QUEUE_LIMIT = 12
"""Cards beside the list; the rest is one filter away."""


@require_safe
@tenant_view(Capability.SEE)
def live(request: TenantRequest) -> HttpResponse:
    reveal = request.member.actor.may(Capability.REVEAL)
    snapshot = selectors.snapshot(reveal=reveal)
    now = timezone.now()
    wanted = narrow.read(request.GET)
    known = worst_first(snapshot.body["rows"], now)
    urgent = most_urgent(known, now)
    need = {row["code"] for row in urgent}
    context: dict[str, Any] = {
        "member": request.member,
        "section": "live",
        "first": snapshot.first(),
        "talk": snapshot.body["talk"],
        "wanted": wanted,
        "needle": wanted.needle,
        "states": list(words.FACES.values()),
        "agents": sorted({*selectors.agent_names(), wanted.agent} - {""}),
        "blank": {},
        "known": known,
        "rows": [row for row in known if wanted.shows(row, needs_you=row["code"] in need)],
        "queue": urgent[:QUEUE_LIMIT],
        "queue_more": max(0, len(urgent) - QUEUE_LIMIT),
        "drops": _drops(wanted, known, need),
        "tiles": tiles(known, now),
        "figures": figures.shown(request.member),
        "now": now,
        "words": words.table(),
    }
    if not known:
        context |= _quiet(request, reveal=reveal)
    return render(request, "live.html", context)


def _quiet(request: TenantRequest, *, reveal: bool) -> dict[str, Any]:
    """What an empty page says: the call before, and what has to be told to the provider."""
    manages = request.member.actor.may(Capability.MANAGE)
    return {
        "last": call_selectors.history(reveal=reveal, before=None, limit=1).rows,
        "webhooks": selectors.webhook_addresses() if manages else [],
        "who_manages": "" if manages else words.who_can(Capability.MANAGE),
    }


def _drops(wanted: Narrowed, known: list[Mapping[str, Any]], need: set[str]) -> list[tuple[str, str, str, int]]:
    """(name, words, query, rows) of each filter: what would be seen without it."""
    found = []
    for name, text, query in wanted.chips:
        rest = wanted.without(name)
        count = sum(rest.shows(row, needs_you=row["code"] in need) for row in known)
        found.append((name, text, query, count))
    return found
