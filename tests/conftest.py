"""The cast, and the services it stands on. A test that asks for no database and no Redis starts neither."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler
from django.test import Client

from calls.actions import leases
from calls.domain.actors import Actor
from calls.domain.roles import Role
from calls.models import Tenant, User
from tests import factories, lanes, services

PURE = ("tests/domain/", "tests/providers/", "tests/simulator/")
"""Floors 0 and 1: pure, so a database there is a mistake."""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> lanes.Lanes:
    return lanes.Lanes(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if lanes.is_one():
        lanes.in_order(items)
    for item in items:
        marker = item.get_closest_marker("django_db")
        wants = {"db", "committed_db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
        path = item.path.as_posix()
        if (marker or wants) and any(f"/{pure}" in path for pure in PURE):
            raise pytest.UsageError(f"{item.nodeid}: this floor is pure and needs no database")
        if "transactional_db" in wants or (marker and (marker.args or marker.kwargs.get("transaction"))):
            # Django would empty the tables as the application's role, which may not.
            raise pytest.UsageError(f"{item.nodeid}: use the fixture committed_db for real commits")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with services.redis() as url:
        yield url


@pytest.fixture(scope="session")
def database_url(redis_url: str, django_test_environment: None, django_db_blocker: Any) -> Iterator[str]:
    """The owner's URL of the test database. Redis comes along: what actions announce goes there."""
    with django_db_blocker.unblock(), services.database() as url:
        django_db_blocker.block()
        yield url
        django_db_blocker.restore()


@pytest.fixture(scope="session", autouse=True)
def servers_of_a_lane(request: pytest.FixtureRequest) -> None:
    """A lane has them from its beginning: which file comes first there is chance, and none may pass by what another
    started."""
    if lanes.is_one():
        request.getfixturevalue("database_url")


@pytest.fixture(scope="session", autouse=True)
def requests_need_the_database(django_db_blocker: Any) -> Iterator[None]:
    """As a request ends (or begins) Django looks at the connections of its thread, if an earlier test left some there,
    which is chance. So a test with a request in it asks for the database (`db`, `committed_db`), or it fails always."""
    with django_db_blocker.unblock():
        unblocked = BaseDatabaseWrapper.ensure_connection
    all_of_thread = ConnectionHandler.all

    def as_if_used_before(connections: ConnectionHandler, initialized_only: bool = False) -> list[Any]:
        blocked = BaseDatabaseWrapper.ensure_connection is not unblocked
        found = all_of_thread(connections, initialized_only=initialized_only and not blocked)
        if blocked and initialized_only:
            found[0].ensure_connection()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ConnectionHandler, "all", as_if_used_before)
        yield


@pytest.fixture(scope="session")
def django_db_setup(database_url: str) -> None:
    """pytest-django's own would create a database as a role that may not, and by another name."""


@pytest.fixture
def committed_db(database_url: str, django_db_blocker: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """No transaction around the test: for threads, processes and commit hooks. Emptied afterwards.

    Gives the owner's URL. A thread of the test's own closes its connections (`connections.close_all()`).
    """
    # The server of the tests may have started a moment ago; tests/actions/test_leases.py has one of that.
    monkeypatch.setattr(leases, "RISEN", "true")
    with django_db_blocker.unblock():
        yield database_url
        connections.close_all()
    services.empty(database_url)


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> None:
    """Whichever database the test chose; `db`, rolled back at the end, where it chose none."""
    request.getfixturevalue("committed_db" if "committed_db" in request.fixturenames else "db")


@dataclass
class Person:
    """A member of the cast, in one tenant."""

    user: User
    tenant: Tenant
    role: Role

    @property
    def tenant_id(self) -> UUID:
        return self.tenant.id

    @property
    def actor(self) -> Actor:
        return Actor(self.user.pk, self.user.email, self.role)

    @cached_property
    def client(self) -> Client:
        """A browser in which this person is signed in."""
        client = Client()
        client.force_login(self.user)
        return client


def _person(tenant: Tenant, name: str, role: Role) -> Person:
    member = factories.make_member(tenant, f"{name.lower()}@{tenant.slug}.example", role=role, name=name)
    return Person(member.user, tenant, role)


@pytest.fixture
def acme(rows: None) -> Tenant:
    return factories.make_tenant("acme", name="Acme")


@pytest.fixture
def globex(rows: None) -> Tenant:
    """The rival: must never see anything of acme's."""
    return factories.make_tenant("globex", name="Globex")


@pytest.fixture
def olivia(acme: Tenant) -> Person:
    return _person(acme, "Olivia", Role.OWNER)


@pytest.fixture
def adam(acme: Tenant) -> Person:
    return _person(acme, "Adam", Role.ADMIN)


@pytest.fixture
def sam(acme: Tenant) -> Person:
    return _person(acme, "Sam", Role.SUPERVISOR)


@pytest.fixture
def ana(acme: Tenant) -> Person:
    return _person(acme, "Ana", Role.ANALYST)


@pytest.fixture
def rita(globex: Tenant) -> Person:
    return _person(globex, "Rita", Role.OWNER)
