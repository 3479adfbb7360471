"""Every page of the admins: who may open it, and what a stranger and another tenant are told."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from tests import factories

READ = [
    *("agents", "agent_new", "agent", "agent_session", "agent_versions", "agent_publish", "agent_used"),
    *("routes", "members", "accounts", "account_new", "account"),
    *("audit", "audit_csv", "tenant_settings"),
]
WRITE = [
    *("agent_new", "agent", "agent_session", "agent_publish", "agent_remove", "agent_restore"),
    *("routes", "route_change", "route_remove", "members", "member_role", "member_remove", "invitation_withdraw"),
    *("account_new", "account", "account_rotate", "account_drop", "account_test", "tenant_settings"),
]


@pytest.fixture
def places(acme, sam):
    """Arguments of each address, for rows that exist in acme."""
    agent = factories.make_agent(acme)
    account = factories.make_account(acme)
    route = factories.make_route(agent)
    invitation = factories.make_invitation(acme)
    agents = ("agent", "agent_session", "agent_versions", "agent_used", "agent_remove", "agent_restore")
    accounts = ("account", "account_rotate", "account_drop", "account_test")
    return {
        **{name: [agent.code] for name in agents},
        "agent_publish": [agent.code, 1],
        **{name: [account.code] for name in accounts},
        "route_change": [route.pk],
        "route_remove": [route.pk],
        "member_role": [factories.membership_of(sam).pk],
        "member_remove": [factories.membership_of(sam).pk],
        "invitation_withdraw": [invitation.code],
    }


def _absent(arguments):
    return [
        1 if isinstance(one, int) and one == 1 else 987_654 if isinstance(one, int) else uuid4() for one in arguments
    ]


@pytest.mark.parametrize("name", READ)
def test_admins_open_it(adam, places, name):
    answer = adam.client.get(reverse(name, args=["acme", *places.get(name, [])]), follow=True)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("who", ["sam", "ana"])
def test_others_are_told_which_role_may(request, who, places):
    person = request.getfixturevalue(who)
    for name in READ:
        answer = person.client.get(reverse(name, args=["acme", *places.get(name, [])]))
        assert answer.status_code == 403, name
        assert "open to owner and admin" in answer.content.decode(), name
    for name in WRITE:
        assert person.client.post(reverse(name, args=["acme", *places.get(name, [])])).status_code == 403, name


def test_another_tenant_is_told_that_there_is_nothing(rita, places):
    """The same for acme's rows at acme's and at its own address as for rows that nobody has."""
    answers = set()
    for method, names in (("get", READ), ("post", WRITE)):
        for name in names:
            arguments = places.get(name, [])
            addresses = [["acme", *arguments]]
            if arguments:
                addresses += [["globex", *arguments], ["globex", *_absent(arguments)]]
            for address in addresses:
                answer = getattr(rita.client, method)(reverse(name, args=address))
                assert answer.status_code == 404, (name, address)
                answers.add(answer.content)
    assert len(answers) == 1


def test_strangers_are_sent_to_sign_in(places):
    for name in READ:
        answer = Client().get(reverse(name, args=["acme", *places.get(name, [])]))
        assert answer.status_code == 302, name
        assert answer.url.startswith(reverse("sign_in")), name


def test_the_rail_shows_what_the_role_may_open(adam, sam):
    for person, there in ((adam, True), (sam, False)):
        page = person.client.get(reverse("live", args=["acme"])).content.decode()
        assert all((f'data-section="{name}"' in page) == there for name in ("agents", "routes", "admin"))


def test_admin_begins_with_the_members(adam):
    assert adam.client.get(reverse("admin", args=["acme"])).url == reverse("members", args=["acme"])
