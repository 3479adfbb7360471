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
    answer = sam.client.post("/theme/", {"theme": "dark", "next": "/t/acme/live/"})
    assert answer.url == "/t/acme/live/"
    assert 'data-theme="dark"' in sam.client.get("/t/acme/live/").content.decode()
    assert sam.client.post("/theme/", {"theme": "pink"}).status_code == 422
    assert sam.client.post("/theme/", {"theme": "light", "next": "//evil.example"}).url == "/"


def test_signing_out_is_a_post(sam):
    assert sam.client.get("/sign-out/").status_code == 405
    assert sam.client.post("/sign-out/").url == SIGN_IN
    assert sam.client.get("/t/acme/live/").status_code == 302
