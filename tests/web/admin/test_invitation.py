"""The page behind an invitation's link: for a new person, for one with an account, and for everybody else."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from calls.actions import invitations
from calls.models import Membership, User
from calls.tenancy import tenant_scope
from calls.web import attempts

PERSON = {"name": "Nina", "password": "a long enough sentence"}


@pytest.fixture
def invite(acme, adam):
    def made(email="nina@acme.example", role="analyst"):
        with tenant_scope(acme.id):
            return reverse("invitation", args=[invitations.invite(email, role, by=adam.actor)[1]])

    return made


def test_a_new_person_gives_name_and_password_and_is_in(acme, invite):
    client, url = Client(), invite()
    page = client.get(url).content.decode()
    assert "Join Acme" in page and "nina@acme.example" in page
    assert not User.objects.filter(email="nina@acme.example").exists()
    answer = client.post(url, PERSON)
    assert answer.url == "/t/acme/live/"
    assert client.get(answer.url).status_code == 200
    assert Client().get(url).status_code == 404


def test_what_is_wrong_is_said_at_its_field(invite):
    answer = Client().post(invite(), {"name": "Nina", "password": "12345678"})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["password"]
    assert "12345678" not in answer.content.decode()
    assert 'value="Nina"' in answer.content.decode()


def test_somebody_with_an_account_signs_in_and_joins(acme, rita, invite):
    url = invite(rita.user.email, "supervisor")
    page = Client().get(url).content.decode()
    assert f"{reverse('sign_in')}?next={url}" in page
    assert 'name="password"' not in page
    assert Client().post(url, PERSON).status_code == 200
    assert "Join Acme" in rita.client.get(url).content.decode()
    assert rita.client.post(url).url == "/t/acme/live/"
    with tenant_scope(acme.id):
        assert Membership.objects.get(user=rita.user, tenant=acme).role == "supervisor"


def test_it_is_for_nobody_else(acme, sam, invite):
    url = invite()
    assert "You are signed in as sam@acme.example" in sam.client.get(url).content.decode()
    sam.client.post(url, PERSON)
    assert not User.objects.filter(email="nina@acme.example").exists()


@pytest.mark.parametrize("token", ["0" * 64, "nonsense", "a" * 200])
def test_a_wrong_link_tells_nothing(db, token):
    answer = Client().get(f"/sign-in/invitation/{token}/")
    assert answer.status_code == 404
    assert "This invitation is over" in answer.content.decode()


def test_guesses_are_counted(acme, invite, monkeypatch):
    monkeypatch.setattr(attempts, "allow", lambda request, entry: False)
    assert Client().get(invite()).status_code == 429
