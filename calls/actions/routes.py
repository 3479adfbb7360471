"""Which agent answers a dialled number, in the tenant in scope."""

from __future__ import annotations

from calls.actions import audit
from calls.domain import values
from calls.domain.actors import Actor
from calls.domain.roles import Capability
from calls.exceptions import InvalidInput
from calls.models import Agent, Route


def create(number: str, agent: Agent, *, by: Actor) -> Route:
    """Lead a number, a prefix or every number (`*`) to an agent."""
    by.require(Capability.MANAGE)
    if Route.objects.filter(number=values.number_pattern(number)).exists():
        raise InvalidInput("has a route already", "number")

    route = Route.objects.create(number=number, agent=agent)

    audit.record("route.created", by=by, kind="route", code=number, agent=agent.name)
    return route


def change(route: Route, agent: Agent, *, by: Actor) -> bool:
    """Lead it to another agent; False where it is the same."""
    by.require(Capability.MANAGE)
    if route.agent_id == agent.pk:
        return False

    route.agent = agent
    route.save(update_fields=["agent"])

    audit.record("route.changed", by=by, kind="route", code=route.number, agent=agent.name)
    return True


def remove(route: Route, *, by: Actor) -> None:
    """Calls to this number then follow a wider pattern, or are refused."""
    by.require(Capability.MANAGE)

    number = route.number
    route.delete()

    audit.record("route.removed", by=by, kind="route", code=number)
