"""Connect your own agent: lines to paste, for those who manage, of their own accounts."""

from __future__ import annotations

import pytest

from calls.models import WebhookEvent
from calls.tenancy import tenant_scope
from tests import factories

PAGE = "/t/acme/connect/"


@pytest.fixture
def account(acme):
    return factories.make_account(acme, name="OpenAI", base_url="https://api.openai.com/v1")


def _deliver(account):
    with tenant_scope(account.tenant_id):
        WebhookEvent.objects.create(
            account=account, webhook_id="wh_1", type="realtime.call.incoming", verdict="ringing", body={}
        )


def test_the_lines_are_those_of_the_account(adam, account, settings):
    page = adam.client.get(PAGE).content.decode()
    assert f"{settings.PUBLIC_URL}/webhooks/openai/{account.path_token}/" in page
    assert "realtime.call.incoming" in page
    assert "sip:proj_…@sip.api.openai.com;transport=tls" in page
    assert "Calls are refused until a route" in page
    assert "sk-test" not in page


def test_the_project_is_filled_in_when_it_is_one(adam, account):
    page = adam.client.get(PAGE, {"project": " proj_Ab12 "}).content.decode()
    assert "sip:proj_Ab12@sip.api.openai.com;transport=tls" in page
    page = adam.client.get(PAGE, {"project": "proj_x@evil.example"}).content.decode()
    assert "sip:proj_…@sip.api.openai.com" in page
    assert "A project id is" in page


def test_it_waits_for_the_first_event_and_says_when_it_came(adam, account):
    address = f"{PAGE}{account.code}/first-event/"
    assert "Waiting for the first event" in adam.client.get(PAGE).content.decode()
    assert adam.client.get(address).json() == {"first": None}
    _deliver(account)
    assert "Connected." in adam.client.get(PAGE).content.decode()
    assert adam.client.get(address).json()["first"]


def test_an_account_of_this_machine_is_called_simulated(adam, acme, account):
    simulated = factories.make_account(acme, name="A simulator", base_url="http://127.0.0.1:9/v1")
    _deliver(simulated)
    page = adam.client.get(PAGE).content.decode()
    assert account.path_token in page  # one's own comes first
    page = adam.client.get(PAGE, {"account": simulated.code}).content.decode()
    assert simulated.path_token in page
    assert "every call is simulated" in page


def test_azure_has_an_address_of_its_own_and_a_gateway_tells_its(adam, acme):
    factories.make_account(acme, kind="azure", base_url="https://r.openai.azure.com/openai/v1")
    assert "sip.ai.azure.com" in adam.client.get(PAGE).content.decode()


def test_without_an_account_it_says_how_to_get_one(adam):
    assert "No provider account yet" in adam.client.get(PAGE).content.decode()


@pytest.mark.parametrize("role", ["sam", "ana"])
def test_it_is_for_those_who_manage(request, role, account):
    client = request.getfixturevalue(role).client
    assert client.get(PAGE).status_code == 403
    assert client.get(f"{PAGE}{account.code}/first-event/").status_code == 403


def test_another_tenants_account_is_not_there(rita, adam, account, globex):
    assert rita.client.get(PAGE).status_code == 404
    foreign = factories.make_account(globex)
    assert adam.client.get(f"{PAGE}{foreign.code}/first-event/").status_code == 404
    assert foreign.path_token not in adam.client.get(PAGE, {"account": foreign.code}).content.decode()
