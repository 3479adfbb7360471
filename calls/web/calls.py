"""The list of all calls. Reads only."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from calls.domain.roles import Capability
from calls.selectors import calls as selectors
from calls.web.access import TenantRequest, tenant_view

PAGE = 50


@require_safe
@tenant_view(Capability.SEE)
def calls(request: TenantRequest) -> HttpResponse:
    """Newest first, by keyset: a page stays the same page while calls come in."""
    before = request.GET.get("before") or None
    page = selectors.history(reveal=request.member.actor.may(Capability.REVEAL), before=before, limit=PAGE)
    context = {"member": request.member, "section": "calls", "page": page, "before": before}
    return render(request, "calls.html", context)
