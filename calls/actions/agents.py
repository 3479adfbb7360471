"""Agents of the tenant in scope, and the numbered texts of their instructions. No text is ever edited.

An agent that calls refer to is put away, never deleted: its calls keep saying who answered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.utils import timezone

from calls.actions import audit, edits
from calls.domain import values
from calls.domain.actors import Actor
from calls.domain.roles import Capability
from calls.exceptions import ChangedMeanwhile, InvalidInput
from calls.models import Agent, Call, InstructionVersion
from calls.providers import session_body

SHOWN = ("name", "model", "voice", "greeting", "settings")
"""What the stamp of an agent's form stands for"""
GREETING_LIMIT = 4_000
NOTE_LIMIT = 200
_UNTOLD = {"tools", "prompt", "tracing"}
"""Settings that may carry a credential: the audit log says that they changed, not how"""


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
    _greeting(greeting)
    _free(name)

    fields = {"model": model, "voice": voice, "greeting": greeting, "settings": dict(settings or {})}
    with edits.once("name"):
        agent = Agent.objects.create(name=name, **fields)

    audit.record("agent.created", by=by, kind="agent", code=agent.code, name=name)
    publish(write(agent, instructions, by=by), by=by)
    return agent


def change(
    agent: Agent,
    *,
    by: Actor,
    name: str | None = None,
    model: str | None = None,
    voice: str | None = None,
    greeting: str | None = None,
    settings: Mapping[str, Any] | None = None,
    without: Collection[str] = (),
    seen: str | None = None,
) -> list[str]:
    """Change what is given and differs; returns the names of what changed. Running calls keep theirs.

    Settings are added to those that the agent has; `without` names those that go back to the provider's default.
    """
    by.require(Capability.MANAGE)
    edits.hold(agent, SHOWN, seen)
    kept = {key: value for key, value in agent.settings.items() if key not in without}
    merged = {**kept, **(settings or {})}
    check(model or agent.model, agent.voice if voice is None else voice, "", merged)
    _greeting(greeting or "")
    if name is not None and name != agent.name:
        _free(name)

    before = edits.values_of(agent, SHOWN)
    with edits.once("name"):
        changed = edits.apply(agent, name=name, model=model, voice=voice, greeting=greeting, settings=merged)

    if changed:
        told = _told(before, edits.values_of(agent, SHOWN))
        audit.record(
            "agent.changed", by=by, kind="agent", code=agent.code, name=agent.name, fields=changed, values=told
        )
    return changed


def remove(agent: Agent, *, by: Actor) -> bool:
    """Delete an agent that no call refers to, put any other away; True where it was deleted. Its routes go first."""
    by.require(Capability.MANAGE)
    edits.hold(agent, SHOWN, None)
    numbers = list(agent.routes.order_by("number").values_list("number", flat=True)[:4])
    if numbers:
        listed = ", ".join(numbers[:3]) + (" and more" if len(numbers) > 3 else "")
        raise InvalidInput(f"calls are led to this agent by the routes {listed}; change or remove these first", "agent")

    name, code = agent.name, agent.code
    if Call.objects.filter(agent=agent).exists():
        agent.archived_at = timezone.now()
        agent.save(update_fields=["archived_at"])
        audit.record("agent.archived", by=by, kind="agent", code=code, name=name)
        return False
    agent.delete()
    audit.record("agent.deleted", by=by, kind="agent", code=code, name=name)
    return True


def restore(agent: Agent, *, by: Actor) -> bool:
    """Let routes lead to it again; False where they may."""
    by.require(Capability.MANAGE)
    edits.hold(agent, SHOWN, None)
    if agent.archived_at is None:
        return False

    agent.archived_at = None
    agent.save(update_fields=["archived_at"])

    audit.record("agent.restored", by=by, kind="agent", code=agent.code, name=agent.name)
    return True


def write(agent: Agent, text: str, *, note: str = "", by: Actor, latest_seen: int | None = None) -> InstructionVersion:
    """Keep a text of instructions under the agent's next number. No call uses it before it is published.

    `latest_seen`: the last number that its writer knew of; raises ChangedMeanwhile where there is a later one.
    """
    by.require(Capability.PUBLISH)
    check(agent.model, agent.voice, edits.checked("text", values.text, text), agent.settings)
    if note:
        edits.checked("note", values.name, note, most=NOTE_LIMIT)

    Agent.objects.select_for_update(no_key=True).get(pk=agent.pk)  # two writers must not take the same number
    last = agent.versions.order_by("-number").select_related("author").first()
    if last is not None and latest_seen is not None and last.number > latest_seen:
        raise ChangedMeanwhile(f"v{last.number} was written by {last.author or 'the system'} while you were editing")
    number = last.number + 1 if last else 1
    version = InstructionVersion.objects.create(agent=agent, number=number, text=text, note=note, author_id=by.user_id)

    audit.record(
        "agent.instructions_written", by=by, kind="agent", code=agent.code, name=agent.name, number=number, note=note
    )
    return version


def publish(version: InstructionVersion, *, by: Actor, published_seen: int | None = None) -> bool:
    """Have new calls use this version; False where they do already. An older one may be published again.

    `published_seen`: the number that new calls used when its publisher decided (0: none); raises ChangedMeanwhile
    where it is another one by now.
    """
    by.require(Capability.PUBLISH)

    agent = Agent.objects.select_for_update(no_key=True).get(pk=version.agent_id)
    current = published(agent)
    if current is not None and current.pk == version.pk:
        return False
    before = current.number if current else 0
    if published_seen is not None and before != published_seen:
        raise ChangedMeanwhile(f"v{before} was published while you were reading")
    agent.versions.filter(published_at__isnull=False).update(published_at=None)
    version.published_at = timezone.now()
    version.save(update_fields=["published_at"])

    audit.record(
        "agent.published", by=by, kind="agent", code=agent.code, name=agent.name, number=version.number, before=before
    )
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


def _told(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """What the audit log keeps of a change: the greeting and what may hold a credential by name only."""
    flat = [
        {"name": row["name"], "model": row["model"], "voice": row["voice"], **row["settings"]}
        for row in (before, after)
    ]
    told = edits.differences(*flat)
    return {name: (["…", "…"] if name in _UNTOLD else pair) for name, pair in told.items()}


def _free(name: str) -> None:
    edits.checked("name", values.name, name)
    if Agent.objects.filter(name=name).exists():
        raise InvalidInput("is taken", "name")


def _greeting(text: str) -> None:
    edits.checked("greeting", values.text, text, most=GREETING_LIMIT, blank=True)
