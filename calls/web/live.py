"""The Live page: first paint of the tenant's calls. The feed does the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from calls.domain.roles import Capability
from calls.selectors import calls as call_selectors
from calls.selectors import live as selectors
from calls.web import words
from calls.web.access import TenantRequest, tenant_view
from calls.web.rows import tiles, worst_first


@require_safe
@tenant_view(Capability.SEE)
def live(request: TenantRequest) -> HttpResponse:
    reveal = request.member.actor.may(Capability.REVEAL)
    snapshot = selectors.snapshot(reveal=reveal)
    now = timezone.now()
    needle = request.GET.get("q", "").strip()
    rows = worst_first((row for row in snapshot.body["rows"] if _hit(row, needle)), now)
    context: dict[str, Any] = {
        "member": request.member,
        "section": "live",
        "first": asdict(snapshot),
        "needle": needle,
        "blank": {},
        "rows": rows,
        "tiles": tiles(rows, now),
        "now": now,
        "words": words.table(),
        "last": None if rows else call_selectors.history(reveal=reveal, before=None, limit=1).rows,
    }
    return render(request, "live.html", context)


def _hit(row: Mapping[str, Any], needle: str) -> bool:
    """What js/live/page.js finds while one types."""
    return needle.lower() in " ".join(str(row[key]) for key in ("from", "to", "agent", "last_words")).lower()
