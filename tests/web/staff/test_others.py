"""Price lists grow; what was charged by an old one stays explicable."""

from __future__ import annotations

import pytest
from django.test import Client

from calls.models import PriceList
from tests import factories


@pytest.fixture
def staff(db):
    client = Client()
    client.force_login(factories.make_user(is_staff=True))
    return client


def test_a_price_list_is_added_and_never_changed(staff):
    given = {"model": "gpt-realtime-9", "valid_from": "2026-12-01", "currency": "USD", "fresh_text": "4"}
    given |= {"source": "https://example.com/prices", "checked_on": "2026-11-20"}
    assert staff.post("/admin/calls/pricelist/add/", given).status_code == 302
    made = PriceList.objects.get(model="gpt-realtime-9")
    assert (made.fresh_text, made.fresh_audio) == (4, None)
    assert staff.post(f"/admin/calls/pricelist/{made.pk}/change/", given | {"fresh_text": "5"}).status_code == 403
    assert PriceList.objects.get(pk=made.pk).fresh_text == 4
