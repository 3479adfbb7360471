"""Routes of the tenant in scope, which of them win over which, and where a dialled number would lead. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from calls.domain import values
from calls.exceptions import NotFound
from calls.models import InstructionVersion, Route
from calls.providers import incoming

ROUTE_LIMIT = 2_000
"""Routes that are read; the telephone path itself reads them all"""
OVERLAP_LIMIT = 500
"""Of more routes the list does not say which win over which: that takes the square of their number"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A route as a row of the list."""

    route: Route
    version: int | None
    """Of its agent, published; None: calls are answered without instructions"""
    inside: list[str]
    """Narrower patterns that win over it"""
    around: list[str]
    """Wider patterns over which it wins"""


@dataclass(frozen=True, slots=True)
class Lead:
    """Where a dialled number leads."""

    dialled: str
    route: Route | None
    version: int | None
    others: list[str]
    """Patterns that fit too, and give way"""


def listed() -> list[Listed]:
    """By number, `*` last."""
    found = _all()
    patterns = [route.number for route in found]
    over = incoming.overlaps(patterns) if len(patterns) <= OVERLAP_LIMIT else [([], [])] * len(patterns)
    versions = _published()
    rows = [Listed(route, versions.get(route.agent_id), *both) for route, both in zip(found, over, strict=True)]
    return sorted(rows, key=lambda row: (row.route.number == "*", row.route.number))


def lead(dialled: str) -> Lead:
    """By the rule that calls follow (actions.webhooks). Raises InvalidInput for what nobody could have dialled."""
    dialled = values.text(dialled.strip(), most=80)
    found = _all()
    patterns = [route.number for route in found]
    winner = incoming.route_for(dialled, patterns)
    if winner is None:
        return Lead(dialled, None, None, [])
    route = found[winner]
    others = [pattern for pattern in patterns if pattern != route.number and _fits(dialled, pattern)]
    return Lead(dialled, route, _published().get(route.agent_id), others)


def route_of(pk: int) -> Route:
    """Raises NotFound."""
    route = Route.objects.select_related("agent").filter(pk=pk).first()
    if route is None:
        raise NotFound("route")
    return route


def _fits(dialled: str, pattern: str) -> bool:
    return incoming.route_for(dialled, [pattern]) is not None


def _all() -> list[Route]:
    return list(Route.objects.select_related("agent").order_by("number")[:ROUTE_LIMIT])


def _published() -> dict[int, int]:
    found = InstructionVersion.objects.filter(published_at__isnull=False)
    return dict(found.values_list("agent_id", "number"))
