"""The strip of first steps: for newcomers, ticked off by visits and deeds, gone for good when closed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.models import Tenant, User
from tests import factories

LIVE = "/t/acme/live/"


@pytest.fixture
def newcomer(sam):
    User.objects.filter(pk=sam.user.pk).update(guide={})
    return sam


def _notes(person):
    return set(User.objects.get(pk=person.user.pk).guide)


def test_a_newcomer_is_shown_four_steps_and_others_none(newcomer, adam):
    page = newcomer.client.get(LIVE).content.decode()
    assert page.count("data-deed=") == 4
    assert 'aria-current="step"' in page
    assert "data-deed" not in adam.client.get(LIVE).content.decode()


def test_members_of_an_old_tenant_know_their_way(newcomer, acme, settings):
    Tenant.objects.filter(pk=acme.pk).update(created_at=timezone.now() - timedelta(days=31))
    assert "data-deed" not in newcomer.client.get(LIVE).content.decode()
    settings.CALLS = settings.CALLS | {"demo": True}
    assert "data-deed" in newcomer.client.get(LIVE).content.decode()


def test_opening_a_call_ticks_its_step(newcomer, acme):
    live, over = factories.make_call(acme), factories.make_call(acme, state="ended")
    newcomer.client.get(f"/t/acme/calls/{live.code}/")
    assert _notes(newcomer) == {"opened_live"}
    newcomer.client.get(f"/t/acme/calls/{over.code}/")
    assert newcomer.client.get("/t/acme/guide/").json()["done"] == ["opened_live", "opened_past"]


def test_what_could_not_be_opened_counts_for_nothing(newcomer, globex):
    foreign = factories.make_call(globex)
    assert newcomer.client.get(f"/t/acme/calls/{foreign.code}/").status_code == 404
    assert newcomer.client.get("/t/acme/connect/").status_code == 403
    assert _notes(newcomer) == set()


def test_the_strip_goes_when_all_is_done(newcomer, acme):
    User.objects.filter(pk=newcomer.user.pk).update(guide={"opened_live": "x", "opened_past": "x"})
    call = factories.make_call(acme)
    for verb in ("inform", "hang_up"):
        assert "data-deed" in newcomer.client.get(LIVE).content.decode()
        factories.make_command(call, verb=verb, state="confirmed", by=newcomer.user)
    assert "data-deed" not in newcomer.client.get(LIVE).content.decode()


def test_closed_is_closed_for_good(newcomer):
    assert newcomer.client.post("/t/acme/guide/dismiss/", {"next": "/t/acme/calls/"}).url == "/t/acme/calls/"
    assert newcomer.client.post("/t/acme/guide/dismiss/", {"next": "https://evil.example/"}).url == LIVE
    assert "data-deed" not in newcomer.client.get(LIVE).content.decode()
    assert newcomer.client.get("/t/acme/guide/dismiss/").status_code == 405


def test_strangers_have_no_progress_here(rita):
    assert rita.client.get("/t/acme/guide/").status_code == 404
    assert rita.client.post("/t/acme/guide/dismiss/").status_code == 404
