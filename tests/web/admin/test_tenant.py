"""The tenant's own settings: checked, audited, and not saved over what somebody else did."""

from __future__ import annotations

import pytest

from calls.models import Tenant

URL = "/t/acme/admin/settings/"
DATA = {"name": "Acme Health", "timezone": "Europe/Berlin", "currency": "eur"}


def test_settings_are_saved(acme, adam):
    seen = adam.client.get(URL).context["seen"]
    page = adam.client.post(URL, {**DATA, "seen": seen}, follow=True)
    acme.refresh_from_db()
    assert (acme.name, acme.timezone, acme.currency) == ("Acme Health", "Europe/Berlin", "EUR")
    assert "changed the tenant&#x27;s settings" in page.content.decode()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"timezone": "Berlin"}, "timezone"),
        ({"currency": "12"}, "currency"),
        ({"name": "a\nb"}, "name"),
    ],
)
def test_what_cannot_be_says_why_and_is_kept(acme, adam, changes, field):
    answer = adam.client.post(URL, {**DATA, **changes})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    acme.refresh_from_db()
    assert acme.name == "Acme"


def test_a_newer_change_is_shown_first(acme, adam):
    seen = adam.client.get(URL).context["seen"]
    Tenant.objects.filter(pk=acme.pk).update(name="Olivia's")
    answer = adam.client.post(URL, {**DATA, "seen": seen})
    assert answer.status_code == 409
    assert ("Name", "Olivia's", "Acme Health") in answer.context["differing"]
    assert adam.client.post(URL, {**DATA, "seen": answer.context["seen"]}).status_code == 302


def test_nothing_says_that_costs_are_in_the_tenants_currency(adam):
    page = adam.client.get(URL).content.decode()
    assert "Costs are shown in US dollars" in page
