"""Rows with sensible defaults, written straight into the tables. Each opens its tenant's scope by itself."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from calls import sealing
from calls.domain.roles import Role
from calls.models import (
    Agent,
    Call,
    Command,
    Export,
    Gap,
    InstructionVersion,
    Invitation,
    Membership,
    ProviderAccount,
    Route,
    Tenant,
    TenantStream,
    TokenUsage,
    Turn,
    User,
)
from calls.tenancy import tenant_scope

_next = itertools.count(1)
PASSWORD = "correct horse battery"
WEBHOOK_SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw=="
COPIES = 5_000
"""Rows of one statement"""
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def make_tenant(slug: str = "", **fields: Any) -> Tenant:
    slug = slug or f"tenant-{next(_next)}"
    tenant = Tenant.objects.create(**{"slug": slug, "name": slug.title(), **fields})
    with tenant_scope(tenant.id):
        TenantStream.objects.create()
    return tenant


def make_user(email: str = "", *, password: str = PASSWORD, **fields: Any) -> User:
    """Nobody new here: `guide={}` makes a newcomer, who is shown the first steps."""
    fields.setdefault("guide", {"dismissed": NOON.isoformat()})
    return User.objects.create_user(email or f"person-{next(_next)}@example.com", password, **fields)


def make_member(
    tenant: Tenant, email: str = "", *, role: Role = Role.SUPERVISOR, password: str = PASSWORD, **fields: Any
) -> Membership:
    """A new user in `tenant`; `user=` puts an existing one there."""
    user = fields.pop("user", None) or make_user(email, password=password, **fields)
    with tenant_scope(tenant.id):
        return Membership.objects.create(tenant=tenant, user=user, role=role)


def membership_of(person: Any) -> Membership:
    """Of a member of the cast."""
    with tenant_scope(person.tenant_id):
        return Membership.objects.select_related("user").get(user=person.user, tenant=person.tenant)


def make_invitation(tenant: Tenant, email: str = "", *, role: Role = Role.ANALYST, **fields: Any) -> Invitation:
    """Open; nobody has its token."""
    fields = {"digest": f"{next(_next):064x}", "expires_at": timezone.now() + timedelta(days=1), **fields}
    with tenant_scope(tenant.id):
        return Invitation.objects.create(email=email or f"guest-{next(_next)}@example.com", role=role, **fields)


def make_account(
    tenant: Tenant,
    *,
    api_key: str = "sk-test-0123456789abcdef",
    webhook_secret: str = WEBHOOK_SECRET,
    previous_webhook_secret: str = "",
    **fields: Any,
) -> ProviderAccount:
    number = next(_next)
    account = ProviderAccount(
        **{
            "tenant": tenant,
            "name": f"Account {number}",
            "base_url": "http://127.0.0.1:9/v1",  # nobody listens there
            "api_key_hint": api_key[-4:],
            "path_token": f"{tenant.id.hex}{number:032x}",
            **fields,
        }
    )
    for field, secret in (
        ("api_key", api_key),
        ("webhook_secret", webhook_secret),
        ("previous_webhook_secret", previous_webhook_secret),
    ):
        if secret:
            sealed = sealing.seal(secret, tenant=tenant.id, row=account.code, field=field)
            setattr(account, f"{field}_sealed", sealed)
    with tenant_scope(tenant.id):
        account.save()
    return account


def make_version(agent: Agent, text: str = "Be brief.", *, published: bool = True, **fields: Any) -> InstructionVersion:
    with tenant_scope(agent.tenant_id):
        if published:
            agent.versions.filter(published_at__isnull=False).update(published_at=None)
        fields = {"number": agent.versions.count() + 1, "published_at": NOON if published else None, **fields}
        return InstructionVersion.objects.create(agent=agent, text=text, **fields)


def make_agent(tenant: Tenant, *, instructions: str | None = "Be brief.", **fields: Any) -> Agent:
    """With a published version of its instructions; `instructions=None`: without any."""
    fields = {"name": f"Agent {next(_next)}", "model": "gpt-realtime", "voice": "marin", **fields}
    with tenant_scope(tenant.id):
        agent = Agent.objects.create(**fields)
    if instructions is not None:
        make_version(agent, instructions)
    return agent


def make_route(agent: Agent, number: str = "*", **fields: Any) -> Route:
    with tenant_scope(agent.tenant_id):
        return Route.objects.create(number=number, agent=agent, **fields)


def make_call(tenant: Tenant, *, account: ProviderAccount | None = None, **fields: Any) -> Call:
    """An active call by default. An agent brings its published version along."""
    number = next(_next)
    fields = {
        "call_id": f"rtc_{number}",
        "from_number": f"+4930{number:06d}",
        "to_number": "+498001234",
        "state": "active",
        "started_at": NOON,
        **fields,
    }
    if fields["state"] not in {"ringing", "accepted", "missed", "refused"}:
        fields.setdefault("answered_at", fields["started_at"] + timedelta(seconds=1))
    account = account or make_account(tenant)
    with tenant_scope(tenant.id):
        agent = fields.get("agent")
        if agent and "instruction_version" not in fields:
            fields["instruction_version"] = agent.versions.filter(published_at__isnull=False).first()
        return Call.objects.create(account=account, **fields)


def make_turn(call: Call, text: str = "Hello.", **fields: Any) -> Turn:
    """A finished message of the caller by default, after the turns before it."""
    number = next(_next)
    speaker = fields.get("speaker", "caller")
    fields = {
        "item_id": f"item_{number}",
        "rank": float(number),
        "kind": "message",
        "speaker": speaker,
        "status": "completed",
        "transcription": "completed" if speaker == "caller" else None,
        "started_at": call.started_at + timedelta(seconds=2),
        "ended_at": call.started_at + timedelta(seconds=3),
        **fields,
    }
    with tenant_scope(call.tenant_id):
        return Turn.objects.create(call=call, text=text, **fields)


def make_copies(row: Turn | TokenUsage, count: int, **columns: str) -> None:
    """So many more of a row, made by the database; `columns` are SQL of `n`, a copy's number from 1. Committed in parts, as
    no statement may take long."""
    table = row._meta.db_table
    names = [field.column for field in row._meta.concrete_fields if not (field.primary_key or field.generated)]
    values = ", ".join(columns.get(name, f"r.{name}") for name in names)
    for first in range(1, count + 1, COPIES):
        with tenant_scope(row.tenant_id), connection.cursor() as cursor:
            cursor.execute(
                f"insert into {table} ({', '.join(names)}) select {values}"
                f" from {table} r, generate_series(%s, %s) n where r.id = %s",
                [first, min(first + COPIES - 1, count), row.pk],
            )


def make_usage(call: Call, **fields: Any) -> TokenUsage:
    """A response with text and audio tokens by default."""
    fields = {
        "kind": "response",
        "ref_id": f"resp_{next(_next)}",
        "model": "gpt-realtime",
        "input_text": 100,
        "input_audio": 50,
        "cached_text": 64,
        "output_text": 20,
        "output_audio": 80,
        "total": 250,
        "at": call.started_at + timedelta(seconds=3),
        **fields,
    }
    with tenant_scope(call.tenant_id):
        return TokenUsage.objects.create(call=call, **fields)


def make_gap(call: Call, *, seconds: float = 2, **fields: Any) -> Gap:
    started = fields.pop("started_at", call.started_at + timedelta(seconds=5))
    fields = {"ended_at": started + timedelta(seconds=seconds), "cause": "socket_closed", **fields}
    with tenant_scope(call.tenant_id):
        return Gap.objects.create(call=call, started_at=started, **fields)


def make_command(call: Call, *, verb: str = "inform", **fields: Any) -> Command:
    with tenant_scope(call.tenant_id):
        return Command.objects.create(call=call, verb=verb, **{"key": f"key-{next(_next)}", **fields})


def make_export(tenant: Tenant, **fields: Any) -> Export:
    """One that waits, by default: charges of the day of NOON as CSV."""
    day = NOON.replace(hour=0)
    fields = {"kind": "charges", "file_format": "csv", "since": day, "until": day + timedelta(days=1), **fields}
    with tenant_scope(tenant.id):
        return Export.objects.create(**fields)
