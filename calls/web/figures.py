"""The figures that Live and the top bar of other pages ask for every 15 s, as JSON. Kept for 5 s per tenant.

However many people watch, a tenant's figures are read at most once in 5 s (once per request while Redis is away).
They hold counts and a sum, no speech and no number of anybody; the key is the tenant's id.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

from django.core.cache import cache
from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from calls.domain import prices
from calls.domain.roles import Capability
from calls.domain.views import iso
from calls.selectors import figures as selectors
from calls.selectors.figures import Figures
from calls.selectors.members import Member
from calls.web.access import TenantRequest, tenant_view

logger = logging.getLogger(__name__)

KEPT_S = 5


@require_safe
@tenant_view(Capability.SEE)
def figures(request: TenantRequest) -> HttpResponse:
    return JsonResponse(shown(request.member))


def shown(member: Member) -> dict[str, Any]:
    """The figures of the member's tenant, at most KEPT_S old."""
    key = f"figures:{member.tenant_id}"
    try:
        kept: dict[str, Any] | None = cache.get(key)
    except RedisError as error:
        logger.warning("figures are not kept", extra={"error": type(error).__name__})
        return body(selectors.figures(member.tenant_id, member.timezone))
    if kept is None:
        kept = body(selectors.figures(member.tenant_id, member.timezone))
        try:
            cache.set(key, kept, KEPT_S)
        except RedisError as error:
            logger.warning("figures are not kept", extra={"error": type(error).__name__})
    return kept


def body(found: Figures) -> dict[str, Any]:
    cost = found.spent
    known = {name: value for name, value in asdict(found).items() if name not in {"spent", "at"}}
    spent = str(prices.shown(cost.exact + cost.estimated)) if cost.known else None
    return known | {"spent": spent, "spent_whole": cost.whole, "at": iso(found.at)}
