"""Agents with what refers to them, and the versions of their instructions. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Count, Max

from calls.exceptions import NotFound
from calls.models import Agent, Call, InstructionVersion, Route
from calls.models.calls import LIVE_STATES

AGENT_LIMIT = 500
"""Agents that a list shows; more are cut off at the end of the alphabet"""
VERSION_LIMIT = 200
"""Versions that a list shows, newest first"""


@dataclass(slots=True)
class Listed:
    """An agent as a row of the list."""

    agent: Agent
    published: int | None = None
    latest: int | None = None
    live: int = 0
    routes: list[str] = field(default_factory=list)

    @property
    def draft(self) -> int | None:
        """The latest version, where new calls do not use it."""
        return self.latest if self.latest != self.published else None


def listed() -> list[Listed]:
    """Every agent by name, those that were put away last; four queries, however many there are."""
    found = Agent.objects.order_by("archived_at", "name")[:AGENT_LIMIT]
    rows = {agent.pk: Listed(agent) for agent in sorted(found, key=lambda one: (one.archived_at is not None, one.name))}
    versions = InstructionVersion.objects.values("agent")
    for row in versions.annotate(last=Max("number")):
        if row["agent"] in rows:
            rows[row["agent"]].latest = row["last"]
    for agent_pk, number in InstructionVersion.objects.filter(published_at__isnull=False).values_list(
        "agent", "number"
    ):
        if agent_pk in rows:
            rows[agent_pk].published = number
    for agent_pk, counts in live_calls().items():
        if agent_pk in rows:
            rows[agent_pk].live = sum(counts.values())
    for agent_pk, pattern in Route.objects.order_by("number").values_list("agent", "number"):
        if agent_pk in rows:
            rows[agent_pk].routes.append(pattern)
    return list(rows.values())


def live_calls() -> Mapping[int, Mapping[int | None, int]]:
    """Agent → number of the version → calls that run with it now."""
    counted: dict[int, dict[int | None, int]] = defaultdict(dict)
    found = Call.objects.filter(state__in=LIVE_STATES, agent__isnull=False)
    for agent, number, count in found.values_list("agent", "instruction_version__number").annotate(n=Count("pk")):
        counted[agent][number] = count
    return counted


def agent_of(code: UUID) -> Agent:
    """Raises NotFound."""
    agent = Agent.objects.filter(code=code).first()
    if agent is None:
        raise NotFound("agent")
    return agent


def choices() -> list[Agent]:
    """Agents that a route may lead to."""
    return list(Agent.objects.filter(archived_at__isnull=True).order_by("name")[:AGENT_LIMIT])


def versions(agent: Agent) -> list[InstructionVersion]:
    """Newest first, at most VERSION_LIMIT, without their texts."""
    found = agent.versions.select_related("author").defer("text").order_by("-number")
    return list(found[:VERSION_LIMIT])


def version_of(agent: Agent, number: int) -> InstructionVersion:
    """Raises NotFound."""
    version = agent.versions.select_related("author").filter(number=number).first()
    if version is None:
        raise NotFound("version")
    return version


def latest(agent: Agent) -> InstructionVersion | None:
    return agent.versions.select_related("author").order_by("-number").first()


def published(agent: Agent) -> InstructionVersion | None:
    """The version that new calls use."""
    return agent.versions.select_related("author").filter(published_at__isnull=False).first()


def agent_of_text(code: str) -> Agent:
    """For a code that came by a form. Raises NotFound."""
    try:
        return agent_of(UUID(code))
    except ValueError:
        raise NotFound("agent") from None
