"""The page behind a link that signs in once."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from calls.actions import sign_in_links
from calls.domain.actors import SYSTEM
from tests import factories


@pytest.fixture(autouse=True)
def no_attempts():
    cache.clear()


def _path(email):
    return reverse("sign_in_link", args=[sign_in_links.make(email, by=SYSTEM)])


def test_opening_the_link_names_the_user_and_signs_nobody_in(sam):
    client, path = Client(), _path(sam.user.email)
    for _ in range(6):  # previews do no harm
        page = client.get(path)
    assert page.status_code == 200
    assert sam.user.email in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert "_auth_user_id" not in client.session


def test_its_button_signs_in_once(sam):
    path = _path(sam.user.email)
    client, other = Client(), Client()
    assert client.post(path).url == reverse("home")
    assert client.session["_auth_user_id"] == str(sam.user.pk)
    again = other.post(path)
    assert again.status_code == 410
    assert "was used" in again.content.decode()
    assert "_auth_user_id" not in other.session


def test_a_token_of_another_site_cannot_press_it(sam):
    assert Client(enforce_csrf_checks=True).post(_path(sam.user.email)).status_code == 403


def test_whoever_was_signed_in_before_is_replaced(sam, adam):
    client = Client()
    client.force_login(adam.user)
    client.post(_path(sam.user.email))
    assert client.session["_auth_user_id"] == str(sam.user.pk)


def test_wrong_tokens_are_counted_like_passwords(sam):
    client = Client()
    for _ in range(5):
        assert client.get("/sign-in/link/wrong/", REMOTE_ADDR="192.0.2.7").status_code == 404
    path = _path(sam.user.email)
    assert client.post(path, REMOTE_ADDR="192.0.2.7").status_code == 429
    assert client.post(path, REMOTE_ADDR="198.51.100.1").status_code == 302


@pytest.mark.django_db
def test_a_user_without_a_tenant_may_use_one_too():
    client = Client()
    assert client.post(_path(factories.make_user().email)).status_code == 302
