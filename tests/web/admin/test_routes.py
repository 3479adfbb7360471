"""Routes: adding with errors at the field, the dry run, a route that somebody else moved, removal."""

from __future__ import annotations

import pytest
from django.urls import reverse

from calls.models import Route
from calls.tenancy import tenant_scope
from tests import factories

URL = "/t/acme/routes/"


@pytest.fixture
def nora(acme):
    return factories.make_agent(acme, name="Nora")


@pytest.fixture
def theo(acme):
    return factories.make_agent(acme, name="Theo", instructions=None)


def routes(tenant):
    with tenant_scope(tenant.id):
        return dict(Route.objects.values_list("number", "agent__name"))


def test_without_routes_calls_are_refused(adam, nora):
    assert "Calls to this tenant are refused." in adam.client.get(URL).content.decode()
    page = adam.client.get(f"{URL}?try=%2B4930123")
    assert page.context["lead"].route is None
    assert "No route takes +4930123" in page.content.decode()


def test_a_route_is_added_however_its_number_is_written(acme, adam, nora):
    factories.make_route(nora, "*")
    page = adam.client.post(URL, {"number": "00 44 (20) 7946-0100", "agent": nora.code}, follow=True)
    assert routes(acme) == {"*": "Nora", "+442079460100": "Nora"}
    assert "It wins over *." in page.content.decode()
    page = adam.client.post(URL, {"number": "+4420*", "agent": nora.code}, follow=True)
    assert "Narrower routes keep theirs: +442079460100." in page.content.decode()


@pytest.mark.parametrize(
    ("number", "words"),
    [("", "required"), ("sales", "must be a number"), ("+4930*", "has a route already"), ("4930*", "same as +4930*")],
)
def test_what_cannot_be_added_says_why_and_is_kept(acme, adam, nora, number, words):
    factories.make_route(nora, "+4930*")
    answer = adam.client.post(URL, {"number": number, "agent": nora.code})
    assert answer.status_code == 422
    assert words in answer.context["form"].errors["number"][0].replace("Has", "has").replace("Must", "must").replace(
        "Is the", "is the"
    )
    assert answer.context["form"]["number"].value() == number
    assert len(routes(acme)) == 1


def test_another_tenants_agent_is_no_choice(acme, adam, globex, nora):
    theirs = factories.make_agent(globex)
    answer = adam.client.post(URL, {"number": "*", "agent": theirs.code})
    assert list(answer.context["form"].errors) == ["agent"]
    assert routes(acme) == {}


def test_the_dry_run_follows_the_rule_of_calls(adam, nora, theo):
    factories.make_route(nora, "+4420*")
    factories.make_route(theo, "*")
    page = adam.client.get(URL, {"try": "+44 20 7946 0123"})
    lead = page.context["lead"]
    assert (lead.route.number, lead.route.agent.name, lead.version, lead.others) == ("+4420*", "Nora", 1, ["*"])
    page = adam.client.get(URL, {"try": "+4930"})
    assert "without instructions: none are published" in page.content.decode()


def test_a_route_is_led_elsewhere(acme, adam, nora, theo):
    route = factories.make_route(nora, "*")
    url = reverse("route_change", args=["acme", route.pk])
    adam.client.post(url, {"agent": theo.code, "seen": nora.code})
    assert routes(acme) == {"*": "Theo"}
    answer = adam.client.post(url, {"agent": nora.code, "seen": nora.code})
    assert answer.status_code == 409
    assert "Somebody led * to Theo while you were looking" in answer.content.decode()
    assert routes(acme) == {"*": "Theo"}
    assert adam.client.post(url, {"agent": "rubbish", "seen": nora.code}).status_code == 404


def test_a_route_is_removed_and_its_calls_follow_the_wider_one(acme, adam, nora):
    factories.make_route(nora, "*")
    route = factories.make_route(nora, "+4930123")
    page = adam.client.post(reverse("route_remove", args=["acme", route.pk]), follow=True)
    assert "Its calls now follow *." in page.content.decode()
    assert routes(acme) == {"*": "Nora"}
