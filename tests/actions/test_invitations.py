"""Invitations: one link, one person, once, for a week; and nobody gives more than they may."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.actions import invitations, members
from calls.exceptions import InvalidInput, NotAllowed, NotFound
from calls.models import AuditEntry, Invitation, Membership, User
from calls.tenancy import tenant_scope

EMAIL = "new@acme.example"
PASSWORD = "a long enough sentence"


@pytest.fixture(autouse=True)
def scope(acme):
    with tenant_scope(acme.id):
        yield


@pytest.fixture
def token(adam):
    return invitations.invite(EMAIL, "analyst", by=adam.actor)[1]


def test_a_new_person_joins_with_a_password_of_their_own(acme, adam, token):
    user = invitations.accept_as_new(token, name="Nina", password=PASSWORD)
    assert (user.email, user.name, user.check_password(PASSWORD)) == (EMAIL, "Nina", True)
    assert Membership.objects.get(user=user, tenant=acme).role == "analyst"
    assert list(AuditEntry.objects.order_by("id").values_list("verb", "actor_label")) == [
        ("member.invited", adam.user.email),
        ("member.joined", EMAIL),
    ]


def test_a_link_works_once(token):
    invitations.accept_as_new(token, name="Nina", password=PASSWORD)
    with pytest.raises(NotFound):
        invitations.accept_as_new(token, name="Nina", password=PASSWORD)


def test_somebody_with_an_account_joins_with_it(acme, adam, rita):
    _, token = invitations.invite(rita.user.email, "supervisor", by=adam.actor)
    with pytest.raises(InvalidInput, match="sign in"):
        invitations.accept_as_new(token, name="Rita", password=PASSWORD)
    assert invitations.accept(token, rita.user).role == "supervisor"


def test_it_is_for_its_address_only(sam, token):
    with pytest.raises(InvalidInput, match="another address"):
        invitations.accept(token, sam.user)


def test_the_token_is_stored_nowhere(token):
    stored = Invitation.objects.values().get()
    assert token not in str(stored)
    assert token[32:] not in str(stored)
    assert token not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize("text", ["", "0" * 63, "0" * 65, "g" * 64, "A" * 64, "../" * 21 + "0"])
def test_a_text_that_is_no_token_names_no_tenant(text):
    with pytest.raises(NotFound):
        invitations.tenant_of(text)


def test_another_token_of_the_tenant_finds_nothing(acme, token):
    with pytest.raises(NotFound):
        invitations.found(acme.id.hex + "0" * 32)


def test_it_expires(token):
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(NotFound):
        invitations.found(token)


def test_a_new_invitation_ends_the_one_before(adam, token):
    _, second = invitations.invite(EMAIL, "supervisor", by=adam.actor)
    with pytest.raises(NotFound):
        invitations.found(token)
    assert invitations.found(second).role == "supervisor"


def test_a_withdrawn_one_is_over(adam, token):
    invitations.withdraw(Invitation.objects.get(), by=adam.actor)
    with pytest.raises(NotFound):
        invitations.found(token)


def test_whoever_is_removed_does_not_come_back_by_an_older_link(adam, sam):
    Invitation.objects.create(
        email=sam.user.email, role="admin", digest="0" * 64, expires_at=timezone.now() + timedelta(days=1)
    )
    members.remove(Membership.objects.get(user=sam.user), by=adam.actor)
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("email", "role", "field"),
    [("nobody", "analyst", "email"), (EMAIL, "king", "role"), ("sam@acme.example", "analyst", "email")],
)
def test_what_cannot_be_invited(adam, sam, email, role, field):
    with pytest.raises(InvalidInput) as caught:
        invitations.invite(email, role, by=adam.actor)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [
        ("", PASSWORD, "name"),
        ("Nina", "12345678", "password"),
        ("Nina", "short", "password"),
        ("Nina", EMAIL, "password"),
    ],
)
def test_name_and_password_are_checked(token, name, password, field):
    with pytest.raises(InvalidInput) as caught:
        invitations.accept_as_new(token, name=name, password=password)
    assert caught.value.field == field
    assert not User.objects.filter(email=EMAIL).exists()


def test_owners_alone_invite_owners_and_others_nobody(adam, olivia, sam):
    invitations.invite(EMAIL, "owner", by=olivia.actor)
    for act in (
        lambda: invitations.invite("x@acme.example", "owner", by=adam.actor),
        lambda: invitations.invite("x@acme.example", "analyst", by=sam.actor),
        lambda: invitations.withdraw(Invitation.objects.get(), by=adam.actor),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_open_invitations_are_bounded(adam, monkeypatch):
    monkeypatch.setattr(invitations, "OPEN_LIMIT", 1)
    invitations.invite(EMAIL, "analyst", by=adam.actor)
    invitations.invite(EMAIL, "analyst", by=adam.actor)
    with pytest.raises(InvalidInput, match="at most 1"):
        invitations.invite("other@acme.example", "analyst", by=adam.actor)


def test_another_tenants_scope_finds_nothing(globex, token):
    with tenant_scope(globex.id), pytest.raises(NotFound):
        invitations.found(token)
