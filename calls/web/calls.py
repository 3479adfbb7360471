"""The history of calls: a form in the address, a page of rows, the words that were found. Reads only."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from calls.conf import conf
from calls.domain.filters import Filters
from calls.domain.roles import Capability
from calls.exceptions import InvalidInput, TooWide
from calls.selectors import history
from calls.web import filters as forms
from calls.web.access import TenantRequest, tenant_view
from calls.web.filters import FilterForm

PAGE = 50


def form_of(request: TenantRequest) -> FilterForm:
    reveal = request.member.actor.may(Capability.REVEAL)
    return FilterForm(request.GET, member=request.member, agents=history.agents(), reveal=reveal)


@require_safe
@tenant_view(Capability.SEE)
def calls(request: TenantRequest) -> HttpResponse:
    """Newest first, by keyset: a page stays the same page while calls come in."""
    form = form_of(request)
    wanted = form.filters(timezone.now())
    context: dict[str, Any] = {"member": request.member, "section": "calls", "form": form, "now": timezone.now()}
    if wanted is not None:
        context |= _page(request, form, wanted)
    return render(request, "calls.html", context, status=200 if form.is_valid() else 422)


def _page(request: TenantRequest, form: FilterForm, wanted: Filters) -> dict[str, Any]:
    reveal = request.member.actor.may(Capability.REVEAL)
    found: dict[str, Any] = {"chips": forms.chips(form, wanted), "here": forms.query(form)}
    try:
        page = history.page(
            wanted,
            reveal=reveal,
            limit=PAGE,
            before=request.GET.get("before") or None,
            after=request.GET.get("after") or None,
        )
    except TooWide:
        shorter = [(word, forms.query(form, when=key, since="", until="")) for key, word in forms.WHEN.items()]
        return found | {"too_wide": True, "shorter": shorter}
    except InvalidInput as error:
        if error.field in forms.PAGES:
            raise
        form.refuse(error)
        return found
    found |= {
        "page": page,
        "older": forms.query(form) if page.older else None,
        "paged": any(request.GET.get(name) for name in forms.PAGES),
    }
    return found if page.rows else found | _nothing(request, wanted, found["chips"], reveal=reveal)


def _nothing(request: TenantRequest, wanted: Filters, chips: list[forms.Chip], *, reveal: bool) -> dict[str, Any]:
    """Why the list is empty: no call was ever made, or which filter hides them."""
    if not wanted.used():
        may_manage = request.member.actor.may(Capability.MANAGE)
        tokens = history.webhook_tokens() if may_manage else []
        return {"webhooks": [f"{conf().public_url}/webhooks/openai/{token}/" for token in tokens]}
    hiding = history.in_the_way(wanted, reveal=reveal)
    return {"hiding": [chip for chip in chips if chip.name in hiding]}
