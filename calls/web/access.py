"""The one door from an address to a tenant's data. Refuses strangers with 404, missing capabilities with 403."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control

from calls.domain.roles import Capability
from calls.exceptions import NotFound
from calls.models import User
from calls.selectors import members
from calls.tenancy import HOLDS_CALLS_MS, tenant_scope

P = ParamSpec("P")


class TenantRequest(HttpRequest):
    """A request of a member: what views behind `tenant_view` are given."""

    member: members.Member
    memberships: list[members.Member]
    """All tenants of the user: what the tenant switch offers"""
    user: User
    """Never anonymous: LoginRequiredMiddleware stands before"""


def member_of(request: HttpRequest, slug: str, capability: Capability) -> members.Member:
    """Who asks, with the capability. For views that open the tenant's scope themselves, a piece at a time."""
    ours = cast(TenantRequest, request)
    ours.memberships = members.memberships(ours.user.pk)
    member = next((one for one in ours.memberships if one.slug == slug), None)
    if member is None:
        raise NotFound("tenant")
    ours.member = member
    member.actor.require(capability)
    return member


def tenant_view(
    capability: Capability, *, holds_calls: bool = False
) -> Callable[
    [Callable[Concatenate[TenantRequest, P], HttpResponseBase]],
    Callable[Concatenate[HttpRequest, str, P], HttpResponseBase],
]:
    """A view inside the tenant of its address: one transaction, scoped, with `request.member`.

    `holds_calls`: it locks the row of a call, for HOLDS_CALLS_MS at most.
    """

    def decorate(
        view: Callable[Concatenate[TenantRequest, P], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, str, P], HttpResponseBase]:
        @wraps(view)
        def inner(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            ours = cast(TenantRequest, request)
            member = member_of(request, slug, capability)
            with tenant_scope(member.tenant_id, idle_ms=HOLDS_CALLS_MS if holds_calls else None):
                response = view(ours, *args, **kwargs)
            # Speech is personal data: no copy on disk, none behind the back button of the next user.
            patch_cache_control(response, private=True, no_store=True)
            return response

        inner.capability = capability  # type: ignore[attr-defined]  # the tenant switch asks before it leads here
        return inner  # type: ignore[return-value]  # Django passes `slug` by name

    return decorate
