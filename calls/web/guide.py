"""The newcomer's guide: a thin strip of four steps that tick themselves off. Decides no step (calls.domain.guide)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from calls.actions import guide as action
from calls.conf import conf
from calls.domain import guide
from calls.domain.guide import Deed
from calls.domain.roles import Capability
from calls.domain.states import LIVE
from calls.models import Call, Tenant, User
from calls.selectors import guide as selector
from calls.selectors.members import Member
from calls.tenancy import tenant_scope
from calls.web.access import TenantRequest, tenant_view

_VISITS = {"calls": Deed.OPENED_CALLS, "usage": Deed.OPENED_USAGE, "connect": Deed.OPENED_CONNECT}
"""Name of an address → what it counts for"""


def strip(user: User, member: Member) -> dict[str, Any] | None:
    """What the strip shows; None where there is nothing to show: the way is known, or not wanted."""
    if guide.DISMISSED in user.guide or not _new(member):
        return None
    with tenant_scope(member.tenant_id):
        deeds = selector.deeds(user)
    steps = guide.steps(member.actor.role)
    if guide.done(member.actor.role, deeds):
        return None
    here = next(step for step in steps if step.deed not in deeds)
    return {
        "slug": member.slug,
        "done": sum(step.deed in deeds for step in steps),
        "steps": [
            {
                "key": step.deed.value,
                "title": step.title,
                "hint": step.hint,
                "done": step.deed in deeds,
                "here": step is here,
                "url": address(step.page, member.slug),
            }
            for step in steps
        ],
    }


@require_safe
@tenant_view(Capability.SEE)
def progress(request: TenantRequest) -> HttpResponse:
    """The deeds that are done, for the strip of a page that stays open."""
    deeds = selector.deeds(request.user)
    done = [step.deed.value for step in guide.steps(request.member.actor.role) if step.deed in deeds]
    return JsonResponse({"done": done})


@require_POST
@tenant_view(Capability.SEE)
def dismiss(request: TenantRequest) -> HttpResponse:
    action.dismiss(request.user)
    back = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if safe else reverse("live", args=[request.member.slug]))


class VisitsMiddleware:
    """Notes a newcomer's first visit to the pages that a guide leads to; costs others nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        member = getattr(request, "member", None)
        if member is not None and request.method == "GET" and response.status_code == 200:
            self._note(cast(TenantRequest, request), member)
        return response

    def _note(self, request: TenantRequest, member: Member) -> None:
        match = request.resolver_match
        known = request.user.guide
        if match is None or guide.DISMISSED in known:
            return
        deed = _VISITS.get(match.url_name or "")
        if match.url_name == "call" and not {Deed.OPENED_LIVE, Deed.OPENED_PAST} <= known.keys():
            deed = _opened(member, match.kwargs["code"])
        if deed is not None and deed not in known:
            action.note(request.user, deed)


def _opened(member: Member, code: UUID) -> Deed | None:
    with tenant_scope(member.tenant_id):
        state = Call.objects.filter(code=code).values_list("state", flat=True).first()
    if state is None:
        return None
    return Deed.OPENED_LIVE if state in LIVE else Deed.OPENED_PAST


def _new(member: Member) -> bool:
    if conf().demo:
        return True
    return Tenant.objects.filter(pk=member.tenant_id, created_at__gt=timezone.now() - guide.NEW_FOR).exists()


def address(page: str, *args: object) -> str:
    """Of a page, or nothing where this installation has none by that name."""
    try:
        return reverse(page, args=args)
    except NoReverseMatch:
        return ""
