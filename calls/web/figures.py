"""The figures that Live and the top bar of other pages ask for every 15 s, as JSON. Kept for 5 s per tenant.

However many people watch, a tenant's figures are read at most once in 5 s: one takes the turn, the others get what is
kept meanwhile. Only the very first, and all while Redis is away, are read by each request. They hold counts and a
sum, no speech and no number of anybody; the key is the tenant's id.
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
SPARE_S = 60
"""What is kept serves for so long while whoever has the turn is still reading, or failed"""


@require_safe
@tenant_view(Capability.SEE)
def figures(request: TenantRequest) -> HttpResponse:
    return JsonResponse(shown(request.member))


def shown(member: Member) -> dict[str, Any]:
    """The figures of the member's tenant, at most KEPT_S old and what a reading takes."""
    key = f"figures:{member.tenant_id}"
    turn = f"{key}:turn"
    kept: dict[str, Any] | None = None
    try:
        kept = cache.get(key)
        if kept is not None and not cache.add(turn, "", KEPT_S):
            return kept
    except RedisError as error:
        logger.warning("figures are not kept", extra={"error": type(error).__name__})
    found = body(selectors.figures(member.tenant_id, member.timezone))
    try:
        cache.set(key, found, SPARE_S)
        if kept is None:
            cache.set(turn, "", KEPT_S)
    except RedisError as error:
        logger.warning("figures are not kept", extra={"error": type(error).__name__})
    return found


def body(found: Figures) -> dict[str, Any]:
    cost = found.spent
    known = {name: value for name, value in asdict(found).items() if name not in {"spent", "at"}}
    spent = str(prices.shown(cost.exact + cost.estimated)) if cost.known else None
    return known | {"spent": spent, "spent_whole": cost.whole, "at": iso(found.at)}
