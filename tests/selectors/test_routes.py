"""Routes in their order, and the dry run. What people see of both: tests/web/admin/test_routes.py."""

from __future__ import annotations

import pytest

from calls.actions import webhooks
from calls.exceptions import InvalidInput, NotFound
from calls.selectors import routes
from calls.tenancy import tenant_scope
from tests import factories


@pytest.fixture
def three(acme):
    agent = factories.make_agent(acme)
    for number in ("*", "+4420*", "+442079460100"):
        factories.make_route(agent, number)
    return agent


def test_any_number_comes_last(acme, three):
    with tenant_scope(acme.id):
        rows = routes.listed()
    assert [row.route.number for row in rows] == ["+4420*", "+442079460100", "*"]
    assert (rows[0].inside, rows[0].around) == (["+442079460100"], ["*"])


def test_of_too_many_routes_nothing_is_said_about_overlaps(acme, three, monkeypatch):
    monkeypatch.setattr(routes, "OVERLAP_LIMIT", 2)
    with tenant_scope(acme.id):
        assert all(not row.inside and not row.around for row in routes.listed())


@pytest.mark.parametrize(
    "dialled", ["+442079460100", "sip:+442079460100@example.com", "+442000", "+49", "anonymous", "0044 20 1"]
)
def test_the_dry_run_says_what_calls_do(acme, three, dialled):
    account = factories.make_account(acme)
    with tenant_scope(acme.id):
        lead = routes.lead(dialled)
        agent, _ = webhooks._way(account, dialled)
        assert (lead.route and lead.route.agent) == agent


def test_what_is_no_route_is_not_found(acme, three):
    with tenant_scope(acme.id):
        with pytest.raises(NotFound):
            routes.route_of(0)
        with pytest.raises(InvalidInput):
            routes.lead("")
