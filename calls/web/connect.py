"""Connect your own agent: the exact lines to paste, in order, and a sign that turns green with the first event.

Reads only; accounts, agents and routes have pages of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from calls.conf import conf
from calls.domain.roles import Capability
from calls.exceptions import NotFound
from calls.models import ProviderAccount, Route
from calls.providers.incoming import INCOMING
from calls.selectors import deliveries
from calls.web.access import TenantRequest, tenant_view

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_PROJECT = re.compile(r"proj_[A-Za-z0-9]{1,64}")
_PLACEHOLDER = "proj_…"
_SIP = {
    "openai": "sip:{project}@sip.api.openai.com;transport=tls",
    "azure": "sip:{project}@<region>.sip.ai.azure.com;transport=tls",
}
"""Where a trunk sends calls, by the account's kind (the providers' SIP guides); gateways have addresses of their own"""


@require_safe
@tenant_view(Capability.MANAGE)
def connect(request: TenantRequest) -> HttpResponse:
    accounts = list(ProviderAccount.objects.order_by("name"))
    chosen = _chosen(accounts, request.GET.get("account", ""))
    asked = request.GET.get("project", "").strip()
    project = asked if _PROJECT.fullmatch(asked) else ""
    context: dict[str, Any] = {
        "member": request.member,
        "section": "connect",
        "accounts": accounts,
        "account": chosen,
        "simulated": chosen is not None and _here(chosen.base_url),
        "unreachable": _here(conf().public_url),
        "public_url": conf().public_url,
        "event": INCOMING,
        "asked": asked,
        "project": project,
        "routes": list(Route.objects.select_related("agent").order_by("number")[:5]),
    }
    if chosen is not None:
        first = deliveries.first_event(chosen)
        context |= {
            "webhook": f"{conf().public_url}/webhooks/openai/{chosen.path_token}/",
            "sip": _SIP.get(chosen.kind, "").format(project=project or _PLACEHOLDER),
            "first": first,
            "connected": first is not None and not context["simulated"],
        }
    return render(request, "connect.html", context)


@require_safe
@tenant_view(Capability.MANAGE)
def first_event(request: TenantRequest, code: UUID) -> HttpResponse:
    """What pages ask while they wait, this one and the account's own."""
    account = ProviderAccount.objects.filter(code=code).first()
    if account is None:
        raise NotFound("account")
    first = deliveries.first_event(account)
    return JsonResponse({"first": first.received_at.isoformat() if first else None})


def _chosen(accounts: Sequence[ProviderAccount], code: str) -> ProviderAccount | None:
    """The account of the address, else the first that is no simulator, else the first."""
    named = [account for account in accounts if str(account.code) == code]
    real = [account for account in accounts if not _here(account.base_url)]
    return next(iter([*named, *real, *accounts]), None)


def _here(url: str) -> bool:
    """Whether an address leads to this machine: nobody outside reaches it."""
    return urlsplit(url).hostname in _LOOPBACK
