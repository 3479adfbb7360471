"""The document that `provision` takes: read strictly, with every fault named by its path. Knows no database.

What a document leaves out stays as it is, hence the None of the optional fields. No problem quotes a value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from calls.domain import values
from calls.exceptions import InvalidInput

MOST_SECRETS = 2
"""The current webhook secret and the one before the last rotation"""


class Problem(NamedTuple):
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class ManifestRejected(InvalidInput):
    """The document cannot be used; `problems` holds every fault that was found, and nothing was written."""

    def __init__(self, problems: Collection[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class MemberSpec:
    path: str
    email: str
    password: str = field(repr=False)
    role: str


@dataclass(frozen=True, slots=True)
class AccountSpec:
    path: str
    name: str
    kind: str | None
    base_url: str | None
    api_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AgentSpec:
    path: str
    name: str
    model: str
    voice: str
    instructions: str
    greeting: str | None
    settings: Mapping[str, Any]
    """Only what the document mentions, as it says it: null is a value here (turn_detection: off)"""


@dataclass(frozen=True, slots=True)
class RouteSpec:
    path: str
    number: str
    agent: str


@dataclass(frozen=True, slots=True)
class TenantSpec:
    path: str
    slug: str
    name: str
    timezone: str | None
    currency: str | None
    members: tuple[MemberSpec, ...]
    accounts: tuple[AccountSpec, ...]
    agents: tuple[AgentSpec, ...]
    routes: tuple[RouteSpec, ...]


def parse(document: object, *, agent_settings: Collection[str]) -> tuple[list[TenantSpec], list[Problem]]:
    """Every tenant of the document, and every fault in it. With a fault, the tenants are for checks only."""
    problems: list[Problem] = []
    root = _Object(document, "", problems)
    tenants = [_tenant(part, frozenset(agent_settings)) for part in root.objects("tenants", required=True)]
    root.finish()
    _once(problems, [(tenant.path, "slug", tenant.slug) for tenant in tenants])
    _one_password_each(problems, tenants)
    return tenants, problems


def _tenant(part: _Object, agent_settings: frozenset[str]) -> TenantSpec:
    spec = TenantSpec(
        path=part.path,
        slug=part.text("slug", values.slug),
        name=part.text("name", lambda value: values.name(value, most=120)),
        timezone=part.optional("timezone", values.timezone),
        currency=part.optional("currency", values.currency),
        members=tuple(map(_member, part.objects("members"))),
        accounts=tuple(map(_account, part.objects("accounts"))),
        agents=tuple(_agent(agent, agent_settings) for agent in part.objects("agents")),
        routes=tuple(map(_route, part.objects("routes"))),
    )
    part.finish()
    _once(part.problems, [(member.path, "email", member.email) for member in spec.members])
    _once(part.problems, [(account.path, "name", account.name) for account in spec.accounts])
    _once(part.problems, [(agent.path, "name", agent.name) for agent in spec.agents])
    _once(part.problems, [(route.path, "number", route.number) for route in spec.routes])
    return spec


def _member(part: _Object) -> MemberSpec:
    spec = MemberSpec(
        part.path,
        email=part.text("email", values.email),
        password=part.text("password", lambda value: values.text(value, most=values.SECRET_LIMIT)),
        role=part.text("role", values.role),
    )
    part.finish()
    return spec


def _account(part: _Object) -> AccountSpec:
    spec = AccountSpec(
        part.path,
        name=part.text("name", values.name),
        kind=part.optional("kind", values.account_kind),
        base_url=part.optional("base_url", values.base_url),
        api_key=part.text("api_key", values.api_key),
        webhook_secrets=part.texts("webhook_secrets", values.webhook_secret, most=MOST_SECRETS),
    )
    part.finish()
    return spec


def _agent(part: _Object, allowed: frozenset[str]) -> AgentSpec:
    spec = AgentSpec(
        part.path,
        name=part.text("name", values.name),
        model=part.text("model", values.name),
        voice=part.text("voice", values.name),
        instructions=part.text("instructions", values.text),
        greeting=part.optional("greeting", lambda value: values.text(value, blank=True)),
        settings=part.rest(allowed),
    )
    part.finish()
    return spec


def _route(part: _Object) -> RouteSpec:
    spec = RouteSpec(part.path, part.text("number", values.number_pattern), part.text("agent", values.name))
    part.finish()
    return spec


def _once(problems: list[Problem], found: list[tuple[str, str, str]]) -> None:
    first: dict[str, str] = {}
    for path, key, value in found:
        if value and first.setdefault(value, path) != path:
            problems.append(Problem(f"{path}.{key}", f"is the same as {first[value]}.{key}"))


def _one_password_each(problems: list[Problem], tenants: list[TenantSpec]) -> None:
    """A person in two tenants is one user: with two passwords, every run would change something."""
    first: dict[str, MemberSpec] = {}
    for member in (member for tenant in tenants for member in tenant.members if member.email):
        known = first.setdefault(member.email, member)
        if known.password != member.password:
            problems.append(Problem(f"{member.path}.password", f"differs from {known.path}.password"))


class _Object:
    """One JSON object, read key by key. A fault is noted and reads as an empty value."""

    def __init__(self, value: object, path: str, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self._unread: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
        self._broken = not isinstance(value, dict)
        if self._broken:
            self._fault("", "must be an object")

    def text(self, key: str, check: Callable[[str], str]) -> str:
        return self._text(key, check, required=True) or ""

    def optional(self, key: str, check: Callable[[str], str]) -> str | None:
        return self._text(key, check, required=False)

    def texts(self, key: str, check: Callable[[str], str], *, most: int) -> tuple[str, ...]:
        """A list of one to `most` different texts."""
        found = self._array(key, required=True)
        if found is None:
            return ()
        if not 0 < len(found) <= most:
            self._fault(key, f"must hold 1 to {most} texts")
        elif len({str(value) for value in found}) < len(found):
            self._fault(key, "holds the same text twice")
        return tuple(self._checked(f"{key}[{i}]", value, check) or "" for i, value in enumerate(found))

    def objects(self, key: str, *, required: bool = False) -> Iterator[_Object]:
        for i, value in enumerate(self._array(key, required=required) or []):
            yield _Object(value, f"{self._at(key)}[{i}]", self.problems)

    def rest(self, allowed: frozenset[str]) -> dict[str, Any]:
        """The keys that were not read yet and are allowed, whatever they hold."""
        found = {key: self._unread.pop(key) for key in [key for key in self._unread if key in allowed]}
        for key, value in found.items():
            if not _storable(value):
                self._fault(key, "contains text that cannot be stored (NUL, or half of a surrogate pair)")
        return found

    def finish(self) -> None:
        """Whatever is unread by now is not known."""
        for key in self._unread:
            self._fault(key if key.isprintable() else ascii(key), "is not a known key")

    def _text(self, key: str, check: Callable[[str], str], *, required: bool) -> str | None:
        if key in self._unread:
            return self._checked(key, self._unread.pop(key), check)
        if required and not self._broken:
            self._fault(key, "is missing")
        return None

    def _checked(self, key: str, value: object, check: Callable[[str], str]) -> str | None:
        if not isinstance(value, str):
            self._fault(key, "must be a text")
            return None
        try:
            return check(value)
        except InvalidInput as error:
            self._fault(key, error.reason)
            return None

    def _array(self, key: str, *, required: bool) -> list[Any] | None:
        if key not in self._unread:
            if required and not self._broken:
                self._fault(key, "is missing")
            return None
        found = self._unread.pop(key)
        if isinstance(found, list):
            return found
        self._fault(key, "must be an array")
        return None

    def _fault(self, key: str, reason: str) -> None:
        self.problems.append(Problem(self._at(key) or "document", reason))

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path and key else self.path or key


def _storable(value: object) -> bool:
    if isinstance(value, str):
        try:
            values.text(value, blank=True)
        except InvalidInput:
            return False
        return True
    if isinstance(value, dict):
        return all(_storable(part) for pair in value.items() for part in pair)
    return not isinstance(value, list) or all(map(_storable, value))
