"""Agents with what refers to them."""

from __future__ import annotations

from uuid import uuid4

import pytest

from calls.exceptions import NotFound
from calls.selectors import agents
from calls.tenancy import tenant_scope
from tests import factories


def test_the_list_takes_few_queries_and_another_tenants_rows_stay_out(acme, globex, django_assert_num_queries):
    factories.make_agent(globex)
    for name in ("B", "A"):
        agent = factories.make_agent(acme, name=name)
        factories.make_route(agent, f"+49{ord(name)}*")
        factories.make_call(acme, agent=agent)
    with tenant_scope(acme.id), django_assert_num_queries(5):
        rows = agents.listed()
    assert [(row.agent.name, row.published, row.draft, row.live) for row in rows] == [
        ("A", 1, None, 1),
        ("B", 1, None, 1),
    ]


def test_live_calls_by_version(acme):
    agent = factories.make_agent(acme)
    factories.make_call(acme, agent=agent)
    factories.make_version(agent, "New.")
    for state in ("active", "active", "ended"):
        factories.make_call(acme, agent=agent, state=state)
    with tenant_scope(acme.id):
        assert agents.live_calls() == {agent.pk: {1: 1, 2: 2}}


def test_what_is_not_there_is_not_found(acme, globex):
    foreign = factories.make_agent(globex)
    mine = factories.make_agent(acme)
    with tenant_scope(acme.id):
        for ask in (
            lambda: agents.agent_of(foreign.code),
            lambda: agents.agent_of(uuid4()),
            lambda: agents.agent_of_text("rubbish"),
            lambda: agents.version_of(mine, 2),
        ):
            with pytest.raises(NotFound):
                ask()


def test_agents_that_were_put_away_are_no_choice(acme):
    factories.make_agent(acme, name="Gone", archived_at=factories.NOON)
    kept = factories.make_agent(acme)
    with tenant_scope(acme.id):
        assert agents.choices() == [kept]
        assert [row.agent.name for row in agents.listed()][-1] == "Gone"
