"""The audit log in plain words: a sentence for every verb, names for objects and for the details. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calls.models import AuditEntry
from calls.web import words

VERBS: Mapping[str, str] = {
    "account.changed": "changed a provider account",
    "account.created": "added a provider account",
    "account.previous_secret_dropped": "ended the previous webhook secret",
    "account.secret_rotated": "rotated the webhook secret",
    "account.tested": "tested the key of a provider account",
    "agent.archived": "put an agent away",
    "agent.changed": "changed an agent",
    "agent.created": "added an agent",
    "agent.deleted": "deleted an agent",
    "agent.instructions_written": "wrote instructions",
    "agent.published": "published instructions",
    "agent.restored": "brought an agent back",
    "call.closed_unattended": "closed a call that nobody watched",
    "call.command_expired": "let a command expire",
    "call.command_not_confirmed": "gave up waiting for a command's proof",
    "call.command_requested": "asked for a command",
    "export.asked": "asked for an export",
    "export.begun": "began an export",
    "export.cancelled": "cancelled an export",
    "export.fetched": "downloaded an export",
    "member.added": "added a member",
    "member.changed_by_staff": "changed a user, as platform staff",
    "member.invitation_withdrawn": "withdrew an invitation",
    "member.invited": "invited somebody",
    "member.joined": "joined by an invitation",
    "member.password_set": "set a password",
    "member.removed": "removed a member",
    "member.role_changed": "changed a role",
    "member.sign_in_link_made": "made a link that signs in",
    "member.signed_in_by_link": "signed in by a link",
    "member.signed_out_everywhere": "signed out everywhere",
    "route.changed": "led a route elsewhere",
    "route.created": "added a route",
    "route.removed": "removed a route",
    "tenant.changed": "changed the tenant's settings",
    "tenant.created": "opened the tenant",
    "tenant.limited": "set the limit of calls at once",
}

KINDS: Mapping[str, str] = {
    "account": "Provider accounts",
    "agent": "Agents",
    "call": "Calls",
    "export": "Exports",
    "member": "Members",
    "route": "Routes",
    "tenant": "Tenant",
}

_DETAILS: Mapping[str, str] = {
    "api_key_hint": "key ends in",
    "base_url": "base URL",
    "number": "version",
    "fields": "fields",
}


def did(entry: AuditEntry) -> str:
    """`published instructions`; for a verb without words the verb itself."""
    return VERBS.get(entry.verb, entry.verb)


def about(entry: AuditEntry) -> str:
    """What it was done to: a name where the entry has one."""
    detail = entry.detail
    if entry.object_kind == "agent" and entry.verb in {"agent.instructions_written", "agent.published"}:
        return f"{detail.get('name', entry.object_code)} v{detail.get('number', '?')}"
    if entry.verb == "call.command_requested" and detail.get("command_verb") in words.VERBS:
        return words.VERBS[detail["command_verb"]]
    return str(detail.get("name") or entry.object_code)


def changes(entry: AuditEntry) -> list[tuple[str, Any, Any]]:
    """(what, before, after) of an entry that holds both."""
    found = [(_name(key), *pair) for key, pair in (entry.detail.get("values") or {}).items()]
    if "before" in entry.detail:
        after = next((entry.detail[key] for key in ("role", "agent", "number") if key in entry.detail), "")
        found.append((_name(entry.object_kind), entry.detail["before"], after))
    return found


def facts(entry: AuditEntry) -> list[tuple[str, Any]]:
    """What else an entry holds."""
    shown = {"name", "values", "before"} | ({"fields"} if entry.detail.get("values") else set())
    return [
        (_name(key), ", ".join(map(str, value)) if isinstance(value, list) else value)
        for key, value in entry.detail.items()
        if key not in shown and value not in (None, "")
    ]


def _name(key: str) -> str:
    return _DETAILS.get(key, key.replace("_", " "))
