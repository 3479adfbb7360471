"""Agents of the tenant in scope, and the numbered texts of their instructions. No text is ever edited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Max
from django.utils import timezone

from calls.actions import audit, edits
from calls.domain import values
from calls.domain.actors import Actor
from calls.domain.roles import Capability
from calls.exceptions import InvalidInput
from calls.models import Agent, InstructionVersion
from calls.providers import session_body


def create(
    name: str,
    *,
    model: str,
    voice: str,
    instructions: str,
    greeting: str = "",
    settings: Mapping[str, Any] | None = None,
    by: Actor,
) -> Agent:
    """An agent whose first instructions are published at once."""
    by.require(Capability.MANAGE)
    by.require(Capability.PUBLISH)
    check(model, voice, instructions, settings or {})
    if Agent.objects.filter(name=values.name(name)).exists():
        raise InvalidInput("is taken", "name")

    agent = Agent.objects.create(name=name, model=model, voice=voice, greeting=greeting, settings=dict(settings or {}))

    audit.record("agent.created", by=by, kind="agent", code=agent.code, name=name)
    publish(write(agent, instructions, by=by), by=by)
    return agent


def change(
    agent: Agent,
    *,
    by: Actor,
    model: str | None = None,
    voice: str | None = None,
    greeting: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> list[str]:
    """Change what is given and differs; returns the names of what changed. Running calls keep theirs."""
    by.require(Capability.MANAGE)
    merged = {**agent.settings, **(settings or {})}
    check(model or agent.model, agent.voice if voice is None else voice, "", merged)

    changed = edits.apply(agent, model=model, voice=voice, greeting=greeting, settings=merged)

    if changed:
        audit.record("agent.changed", by=by, kind="agent", code=agent.code, fields=changed)
    return changed


def write(agent: Agent, text: str, *, note: str = "", by: Actor) -> InstructionVersion:
    """Keep a text of instructions under the agent's next number. No call uses it before it is published."""
    by.require(Capability.PUBLISH)
    check(agent.model, agent.voice, values.text(text), agent.settings)

    Agent.objects.select_for_update().get(pk=agent.pk)  # two writers must not take the same number
    number = (agent.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    version = InstructionVersion.objects.create(agent=agent, number=number, text=text, note=note, author_id=by.user_id)

    audit.record("agent.instructions_written", by=by, kind="agent", code=agent.code, number=number)
    return version


def publish(version: InstructionVersion, *, by: Actor) -> bool:
    """Have new calls use this version; False where they do already. An older one may be published again."""
    by.require(Capability.PUBLISH)

    agent = Agent.objects.select_for_update().get(pk=version.agent_id)
    version.refresh_from_db(fields=["published_at"])
    if version.published_at is not None:
        return False
    agent.versions.filter(published_at__isnull=False).update(published_at=None)
    version.published_at = timezone.now()
    version.save(update_fields=["published_at"])

    audit.record("agent.published", by=by, kind="agent", code=agent.code, number=version.number)
    return True


def published(agent: Agent) -> InstructionVersion | None:
    """The version that new calls use."""
    return agent.versions.filter(published_at__isnull=False).first()


def check(model: str, voice: str, instructions: str, settings: Mapping[str, Any]) -> None:
    """Raise InvalidInput, naming the agent's field, for a session that the provider would not carry out."""
    try:
        session_body.validate(session_body.build(model, voice, instructions, settings))
    except InvalidInput as error:
        reason = error.reason.removeprefix(f"{error.field}: ")
        raise InvalidInput(reason, _agent_field(error.field)) from None


def _agent_field(path: str) -> str:
    """`audio.input.turn_detection.threshold` is the agent's `turn_detection.threshold`."""
    places = {"voice": ("audio", "output", "voice"), **session_body.SETTINGS}
    for name, place in places.items():
        place_path = ".".join(place)
        if path == place_path or path.startswith((f"{place_path}.", f"{place_path}[")):
            return name + path[len(place_path) :]
    return path
