"""Which agent answers a dialled number, in the tenant in scope. No route leads to an agent that was put away."""

from __future__ import annotations

from calls.actions import audit, edits
from calls.domain import values
from calls.domain.actors import Actor
from calls.domain.roles import Capability
from calls.exceptions import ChangedMeanwhile, InvalidInput
from calls.models import Agent, Route, Tenant
from calls.providers import incoming


def create(number: str, agent: Agent, *, by: Actor) -> Route:
    """Lead a number, a prefix or every number (`*`) to an agent."""
    by.require(Capability.MANAGE)
    edits.checked("number", values.number_pattern, number)
    # One at a time, or two could take patterns that are the same.
    Tenant.objects.select_for_update(no_key=True).get(pk=edits.tenant_in_scope())
    _answers(agent)
    # Also +49301* beside 49301*: calls could follow either.
    taken = incoming.same_pattern(number, list(Route.objects.values_list("number", flat=True)))
    if taken is not None:
        raise InvalidInput("has a route already" if taken == number else f"is the same as {taken}", "number")

    route = Route.objects.create(number=number, agent=agent)

    audit.record("route.created", by=by, kind="route", code=number, agent=agent.name)
    return route


def change(route: Route, agent: Agent, *, by: Actor, seen: Agent | None = None) -> bool:
    """Lead it to another agent; False where it is the same.

    `seen`: where it led when that was decided; raises ChangedMeanwhile where it leads elsewhere by now.
    """
    by.require(Capability.MANAGE)
    _answers(agent)
    edits.hold(route, (), None)
    if seen is not None and seen.pk != route.agent_id:
        raise ChangedMeanwhile(f"somebody led {route.number} to {route.agent.name} while you were looking")
    if route.agent_id == agent.pk:
        return False

    before, route.agent = route.agent.name, agent
    route.save(update_fields=["agent"])

    audit.record("route.changed", by=by, kind="route", code=route.number, agent=agent.name, before=before)
    return True


def remove(route: Route, *, by: Actor) -> None:
    """Calls to this number then follow a wider pattern, or are refused."""
    by.require(Capability.MANAGE)

    number, agent = route.number, route.agent.name
    route.delete()

    audit.record("route.removed", by=by, kind="route", code=number, agent=agent)


def _answers(agent: Agent) -> None:
    """Locks the agent: nobody puts it away or deletes it before the route is there."""
    try:
        edits.hold(agent, (), None)
    except Agent.DoesNotExist:
        raise InvalidInput("was deleted meanwhile", "agent") from None
    if agent.archived_at is not None:
        raise InvalidInput("was put away; restore the agent first", "agent")
