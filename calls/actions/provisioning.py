"""Brings the installation to what a document says, all or nothing; repeating it changes nothing.

What the document does not mention stays as it is. Every change goes through the action that people use.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from django.db import connection, transaction

from calls.actions import accounts, agents, members, routes, tenants
from calls.conf import conf
from calls.domain.actors import Actor
from calls.domain.manifest import (
    AccountSpec,
    AgentSpec,
    ManifestRejected,
    MemberSpec,
    Problem,
    RouteSpec,
    TenantSpec,
    parse,
)
from calls.domain.roles import Role
from calls.exceptions import InvalidInput, NotAllowed
from calls.models import Agent, Membership, ProviderAccount, Route, Tenant, User
from calls.providers.session_body import SETTINGS
from calls.tenancy import tenant_scope

Report = dict[str, Any]


class Outcome(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


def provision(document: object, *, by: Actor) -> Report:
    """Carry out the document; returns its mirror without passwords and keys.

    Raises ManifestRejected with every fault that the document and the present state show; nothing is written.
    """
    if by.user_id is not None:
        raise NotAllowed("only the installation itself is provisioned")
    specs, problems = parse(document, agent_settings=SETTINGS)
    with transaction.atomic():
        # One at a time: a second run waits and then finds the work done.
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(hashtext('calls.provision'))")
        problems += [problem for spec in specs for problem in _conflicts(spec)]
        if problems:
            raise ManifestRejected(problems)
        return {"tenants": [_tenant(spec, by) for spec in specs]}


def _conflicts(spec: TenantSpec) -> list[Problem]:
    """What is wrong with a document only in view of what exists."""
    existing: dict[str, Agent] = {}
    tenant = Tenant.objects.filter(slug=spec.slug).first()
    if tenant is not None:
        with tenant_scope(tenant.id):
            existing = {agent.name: agent for agent in Agent.objects.all()}
    problems = []
    for agent in spec.agents:
        known = existing.get(agent.name)
        settings = {**(known.settings if known else {}), **agent.settings}
        if not (agent.model and agent.voice):
            continue  # a fault of its own
        try:
            agents.check(agent.model, agent.voice, agent.instructions, settings)
        except InvalidInput as error:
            problems.append(_problem(agent.path, error))
    names = {agent.name for agent in spec.agents} | existing.keys()
    problems += [
        Problem(f"{route.path}.agent", "there is no agent of this name")
        for route in spec.routes
        if route.agent and route.agent not in names
    ]
    return problems


def _tenant(spec: TenantSpec, by: Actor) -> Report:
    tenant = Tenant.objects.filter(slug=spec.slug).first()
    wanted = {"name": spec.name, "timezone": spec.timezone, "currency": spec.currency}
    if tenant is None:
        given = {key: value for key, value in wanted.items() if value is not None}
        tenant, outcome = tenants.create(spec.slug, **given, by=by), Outcome.CREATED
    else:
        outcome = _outcome(tenants.change(tenant, **wanted, by=by))
    with tenant_scope(tenant.id):
        # New owners first: the document may hand a tenant over.
        owners_first = sorted(spec.members, key=lambda member: member.role != Role.OWNER)
        people = {member.path: _member(tenant, member, by) for member in owners_first}
        return {
            "slug": tenant.slug,
            "name": tenant.name,
            "timezone": tenant.timezone,
            "currency": tenant.currency,
            "outcome": outcome,
            "members": [people[member.path] for member in spec.members],
            "accounts": [_account(account, by) for account in spec.accounts],
            "agents": [_agent(agent, by) for agent in spec.agents],
            "routes": [_route(route, by) for route in spec.routes],
        }


def _member(tenant: Tenant, spec: MemberSpec, by: Actor) -> Report:
    user = User.objects.filter(email=spec.email).first()
    membership = Membership.objects.filter(tenant=tenant, user=user).first() if user else None
    # A new user gets the password at once; another tenant may know them with another one.
    changed = members.set_password(user, spec.password, by=by) if user else False
    if membership is None:
        membership = members.add(spec.email, spec.role, password=spec.password, by=by)
        outcome = Outcome.CREATED
    else:
        try:
            outcome = _outcome(members.change_role(membership, spec.role, by=by) or changed)
        except InvalidInput as error:  # the last owner
            raise ManifestRejected([_problem(spec.path, error)]) from None
    return {"email": spec.email, "role": membership.role, "outcome": outcome}


def _account(spec: AccountSpec, by: Actor) -> Report:
    account = ProviderAccount.objects.filter(name=spec.name).first()
    wanted = {"kind": spec.kind, "base_url": spec.base_url}
    if account is None:
        given = {key: value for key, value in wanted.items() if value is not None}
        account = accounts.create(spec.name, api_key=spec.api_key, webhook_secrets=spec.webhook_secrets, **given, by=by)
        outcome = Outcome.CREATED
    else:
        outcome = _outcome(
            accounts.change(account, api_key=spec.api_key, webhook_secrets=spec.webhook_secrets, **wanted, by=by)
        )
    return {
        "name": account.name,
        "kind": account.kind,
        "base_url": account.base_url,
        "api_key_hint": account.api_key_hint,
        "webhook_secret_hints": [accounts.hint(secret) for secret in spec.webhook_secrets],
        "webhook_url": f"{conf().public_url}/webhooks/openai/{account.path_token}/",
        "outcome": outcome,
    }


def _agent(spec: AgentSpec, by: Actor) -> Report:
    agent = Agent.objects.filter(name=spec.name).first()
    if agent is None:
        agent = agents.create(
            spec.name,
            model=spec.model,
            voice=spec.voice,
            instructions=spec.instructions,
            greeting=spec.greeting or "",
            settings=spec.settings,
            by=by,
        )
        outcome = Outcome.CREATED
    else:
        restored = ["restored"] if agents.restore(agent, by=by) else []
        changed = restored + agents.change(
            agent, model=spec.model, voice=spec.voice, greeting=spec.greeting, settings=spec.settings, by=by
        )
        current = agents.published(agent)
        if current is None or current.text != spec.instructions:
            agents.publish(agents.write(agent, spec.instructions, by=by), by=by)
            changed.append("instructions")
        outcome = _outcome(changed)
    version = agents.published(agent)
    return {
        "name": agent.name,
        "model": agent.model,
        "voice": agent.voice,
        # Names only: a tool may carry a credential.
        "settings": sorted(agent.settings),
        "instruction_version": version.number if version else None,
        "outcome": outcome,
    }


def _route(spec: RouteSpec, by: Actor) -> Report:
    agent = Agent.objects.get(name=spec.agent)
    route = Route.objects.filter(number=spec.number).first()
    if route is None:
        route, outcome = routes.create(spec.number, agent, by=by), Outcome.CREATED
    else:
        outcome = _outcome(routes.change(route, agent, by=by))
    return {"number": route.number, "agent": agent.name, "outcome": outcome}


def _outcome(changed: object) -> Outcome:
    return Outcome.CHANGED if changed else Outcome.UNCHANGED


def _problem(path: str, error: InvalidInput) -> Problem:
    return Problem(f"{path}.{error.field}", error.reason.removeprefix(f"{error.field}: "))
