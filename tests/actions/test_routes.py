"""Routes: one agent a number."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from calls.actions import routes
from calls.exceptions import ChangedMeanwhile, InvalidInput, NotAllowed
from calls.models import Agent, AuditEntry, Route
from calls.tenancy import tenant_scope
from tests import factories


@pytest.fixture
def agents(acme):
    return factories.make_agent(acme, name="A"), factories.make_agent(acme, name="B")


@pytest.fixture(autouse=True)
def scope(acme, agents):
    with tenant_scope(acme.id):
        yield


def test_a_route_is_made_moved_and_removed(adam, agents):
    first, second = agents
    route = routes.create("+4930*", first, by=adam.actor)
    assert routes.change(route, second, by=adam.actor)
    assert not routes.change(route, second, by=adam.actor)
    assert Route.objects.get().agent == second
    routes.remove(route, by=adam.actor)
    assert not Route.objects.exists()
    assert list(AuditEntry.objects.order_by("id").values_list("verb", "object_code")) == [
        ("route.created", "+4930*"),
        ("route.changed", "+4930*"),
        ("route.removed", "+4930*"),
    ]


def test_a_number_has_one_route(adam, agents):
    routes.create("*", agents[0], by=adam.actor)
    with pytest.raises(InvalidInput, match="route already"):
        routes.create("*", agents[1], by=adam.actor)


@pytest.mark.parametrize("number", ["", "0800", "+49 30", "**", "+0123", "+4930*1", "sales"])
def test_what_is_no_number_is_refused(adam, agents, number):
    with pytest.raises(InvalidInput):
        routes.create(number, agents[0], by=adam.actor)


def test_supervisors_route_nothing(sam, agents):
    with pytest.raises(NotAllowed):
        routes.create("*", agents[0], by=sam.actor)


def test_one_number_in_two_spellings_has_one_route(adam, agents):
    routes.create("+4930*", agents[0], by=adam.actor)
    with pytest.raises(InvalidInput, match=r"same as \+4930\*"):
        routes.create("4930*", agents[1], by=adam.actor)
    assert routes.create("+4930", agents[1], by=adam.actor)


def test_a_route_that_was_moved_meanwhile_stays_there(adam, olivia, agents):
    first, second = agents
    route = routes.create("*", first, by=adam.actor)
    routes.change(Route.objects.get(), second, by=olivia.actor)
    with pytest.raises(ChangedMeanwhile, match="led \\* to B"):
        routes.change(route, first, seen=first, by=adam.actor)
    assert routes.change(route, first, seen=second, by=adam.actor)
    assert AuditEntry.objects.last().detail == {"agent": "A", "before": "B"}


def test_a_stale_agent_that_was_put_away_or_deleted_gets_no_route(acme, adam):
    gone, away = factories.make_agent(acme), factories.make_agent(acme)
    with tenant_scope(acme.id):
        stale = [Agent.objects.get(pk=agent.pk) for agent in (gone, away)]
        Agent.objects.get(pk=gone.pk).delete()
        Agent.objects.filter(pk=away.pk).update(archived_at=factories.NOON)
        for agent in stale:
            with pytest.raises(InvalidInput) as refused:
                routes.create("+4930*", agent, by=adam.actor)
            assert refused.value.field == "agent"


def test_routes_of_a_tenant_are_made_one_at_a_time(acme, adam):
    agent = factories.make_agent(acme)
    with tenant_scope(acme.id), CaptureQueriesContext(connection) as asked:
        routes.create("+4930*", agent, by=adam.actor)
    first = next(query["sql"] for query in asked if "calls_route" in query["sql"] or "FOR NO KEY" in query["sql"])
    assert "calls_tenant" in first
    assert "FOR NO KEY UPDATE" in first


def test_no_agent_is_deleted_from_under_its_routes(acme):
    agent = factories.make_agent(acme)
    factories.make_route(agent)
    with tenant_scope(acme.id), pytest.raises(ProtectedError):
        agent.delete()
