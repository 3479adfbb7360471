"""Signing in, the way to a tenant, the theme."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from calls.domain.roles import Role
from tests import factories

SIGN_IN = "/sign-in/"


@pytest.fixture(autouse=True)
def no_attempts():
    cache.clear()


def sign_in(email, password, *, client=None, address="192.0.2.7", **data):
    client = client or Client()
    return client.post(SIGN_IN, {"username": email, "password": password, **data}, REMOTE_ADDR=address)


def test_the_right_password_leads_home(sam):
    answer = sign_in("Sam@Acme.example", factories.PASSWORD)
    assert answer.status_code == 302
    assert answer.url == reverse("home")


def test_only_addresses_of_our_own_are_gone_back_to(sam):
    assert sign_in(sam.user.email, factories.PASSWORD, next="/t/acme/calls/").url == "/t/acme/calls/"
    assert sign_in(sam.user.email, factories.PASSWORD, next="https://evil.example/").url == reverse("home")


def test_a_wrong_password_and_an_unknown_address_read_the_same(sam):
    texts = [sign_in(email, "wrong").content.decode() for email in (sam.user.email, "no@acme.example")]
    assert all("do not go together" in text for text in texts)


def test_the_sixth_try_is_refused_even_with_the_right_password(sam):
    for _ in range(5):
        sign_in(sam.user.email, "wrong")
    assert "Too many attempts" in sign_in(sam.user.email, factories.PASSWORD).content.decode()
    assert "Too many attempts" in sign_in(sam.user.email.upper(), "x", address="192.0.2.200").content.decode()
    assert sign_in(sam.user.email, factories.PASSWORD, address="198.51.100.1").status_code == 302


def test_a_success_starts_the_count_anew(sam):
    for _ in range(2):
        for _ in range(4):
            sign_in(sam.user.email, "wrong")
        assert sign_in(sam.user.email, factories.PASSWORD).status_code == 302


def test_home_leads_to_the_only_tenant(sam):
    assert sam.client.get("/").url == reverse("live", args=["acme"])


def test_home_offers_a_choice_of_several(sam, globex):
    factories.make_member(globex, user=sam.user, role=Role.ANALYST)
    text = sam.client.get("/").content.decode()
    assert reverse("live", args=["acme"]) in text
    assert reverse("live", args=["globex"]) in text


@pytest.mark.django_db
def test_home_explains_itself_to_a_user_without_a_tenant():
    client = Client()
    client.force_login(factories.make_user("lonely@example.com"))
    assert "not a member of any tenant" in client.get("/").content.decode()


def test_the_theme_is_stored_and_rendered(sam):
    answer = sam.client.post("/preferences/", {"theme": "dark", "next": "/t/acme/live/"})
    assert answer.url == "/t/acme/live/"
    assert 'data-theme="dark"' in sam.client.get("/t/acme/live/").content.decode()
    assert sam.client.post("/preferences/", {"theme": "pink"}).status_code == 422
    assert sam.client.post("/preferences/", {"theme": "light", "next": "//evil.example"}).url == "/"


def test_density_and_single_keys_are_stored_and_rendered(sam):
    for chosen in ({"density": "compact"}, {"letter_keys": "off"}):
        assert sam.client.post("/preferences/", chosen).status_code == 302
    text = sam.client.get("/t/acme/live/").content.decode()
    assert 'data-density="compact" data-letters="off"' in text
    for nonsense in ({"density": "huge"}, {"letter_keys": "maybe"}, {}, {"is_staff": "on"}):
        assert sam.client.post("/preferences/", nonsense).status_code == 422


def test_preferences_are_ones_own(sam, adam, client):
    assert client.post("/preferences/", {"theme": "dark"}).url == "/sign-in/?next=/"
    sam.client.post("/preferences/", {"theme": "dark"})
    assert 'data-theme="system"' in adam.client.get("/t/acme/live/").content.decode()


def test_signing_out_everywhere_ends_this_session_too_and_says_so(sam):
    elsewhere = Client()
    elsewhere.force_login(sam.user)
    assert sam.client.get("/sign-out-everywhere/").status_code == 405
    answer = sam.client.post("/sign-out-everywhere/", follow=True)
    assert answer.redirect_chain == [(SIGN_IN, 302)]
    assert "You are signed out everywhere." in answer.content.decode()
    for client in (sam.client, elsewhere):
        assert client.get("/t/acme/live/").status_code == 302


def test_the_tenant_switch_offers_the_same_page_elsewhere(sam, globex, acme):
    assert 'id="tenants"' not in sam.client.get("/t/acme/calls/").content.decode()
    factories.make_member(globex, user=sam.user, role=Role.ANALYST)
    call = factories.make_call(acme, state="ended", ended_at=factories.NOON)
    for page, there in (
        ("/t/acme/calls/?q=x", "/t/globex/calls/"),
        (f"/t/acme/calls/{call.code}/", "/t/globex/calls/"),
    ):
        text = sam.client.get(page).content.decode()
        switch = text[text.index('id="tenants"') :]
        assert f'href="{there}"' in switch[: switch.index("</nav>")]
    # A page of one call of another tenant would be another tenant's.
    assert str(call.code) not in switch[: switch.index("</nav>")]


def test_signing_out_is_a_post(sam):
    assert sam.client.get("/sign-out/").status_code == 405
    assert sam.client.post("/sign-out/").url == SIGN_IN
    assert sam.client.get("/t/acme/live/").status_code == 302
