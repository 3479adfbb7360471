"""Members: who may make whom what, and that an owner always remains."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calls.actions import members
from calls.domain.actors import SYSTEM
from calls.domain.roles import Role
from calls.exceptions import ChangedMeanwhile, InvalidInput, NotAllowed, NotFound, TenantScopeMissing
from calls.models import AuditEntry, Membership, SignInLink, User
from calls.models.base import current_tenant
from calls.tenancy import tenant_scope
from tests import factories


def _membership(person) -> Membership:
    return Membership.objects.get(user=person.user)


def _verbs() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))


@pytest.fixture(autouse=True)
def scope(acme):
    with tenant_scope(acme.id):
        yield


def test_a_new_member_is_a_new_user(adam):
    added = members.add("New@Acme.example", "analyst", password="open sesame", by=adam.actor)
    assert (added.user.email, added.role) == ("new@acme.example", "analyst")
    assert added.user.check_password("open sesame")
    assert _verbs() == ["member.added"]


def test_a_user_of_another_tenant_keeps_their_password(adam, rita):
    members.add(rita.user.email, "analyst", password="mine now", by=adam.actor)
    assert User.objects.get(pk=rita.user.pk).check_password(factories.PASSWORD)


def test_nobody_is_a_member_twice(adam, sam):
    with pytest.raises(InvalidInput, match="member already"):
        members.add(sam.user.email, "analyst", by=adam.actor)


def test_a_member_needs_a_tenant_in_scope(adam):
    token = current_tenant.set(None)
    try:
        with pytest.raises(TenantScopeMissing):
            members.add("x@acme.example", "analyst", by=adam.actor)
    finally:
        current_tenant.reset(token)


@pytest.mark.parametrize("who", ["sam", "ana"])
def test_others_manage_nobody(request, who, adam):
    person = request.getfixturevalue(who)
    for act in (
        lambda: members.add("x@acme.example", "analyst", by=person.actor),
        lambda: members.change_role(_membership(adam), "analyst", by=person.actor),
        lambda: members.remove(_membership(adam), by=person.actor),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_a_role_is_changed_once(adam, sam):
    assert members.change_role(_membership(sam), Role.ANALYST, by=adam.actor)
    assert not members.change_role(_membership(sam), Role.ANALYST, by=adam.actor)
    entry = AuditEntry.objects.get()
    assert entry.detail == {"role": "analyst", "before": "supervisor"}


def test_a_role_that_does_not_exist_is_refused(adam, sam):
    with pytest.raises(InvalidInput):
        members.change_role(_membership(sam), "emperor", by=adam.actor)


def test_admins_neither_make_nor_unmake_owners(adam, sam, olivia):
    with pytest.raises(NotAllowed):
        members.change_role(_membership(sam), Role.OWNER, by=adam.actor)
    with pytest.raises(NotAllowed):
        members.change_role(_membership(olivia), Role.ADMIN, by=adam.actor)
    with pytest.raises(NotAllowed):
        members.remove(_membership(olivia), by=adam.actor)
    with pytest.raises(NotAllowed):
        members.add("x@acme.example", Role.OWNER, by=adam.actor)


def test_the_last_owner_stays(olivia, sam):
    with pytest.raises(InvalidInput, match="last owner"):
        members.change_role(_membership(olivia), Role.ADMIN, by=olivia.actor)
    with pytest.raises(InvalidInput, match="last owner"):
        members.remove(_membership(olivia), by=olivia.actor)
    members.change_role(_membership(sam), Role.OWNER, by=olivia.actor)
    members.remove(_membership(olivia), by=olivia.actor)
    assert _verbs() == ["member.role_changed", "member.removed"]
    assert User.objects.filter(pk=olivia.user.pk).exists()


def test_a_password_is_ones_own_business(olivia, sam):
    with pytest.raises(NotAllowed):
        members.set_password(sam.user, "chosen for you", by=olivia.actor)
    assert members.set_password(sam.user, "chosen by me", by=sam.actor)
    assert not members.set_password(sam.user, "chosen by me", by=SYSTEM)
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.detail) == ("member.password_set", {})


def test_a_role_that_was_changed_meanwhile_is_left_alone(adam, olivia, sam):
    membership = _membership(sam)
    members.change_role(_membership(sam), "analyst", by=olivia.actor)
    with pytest.raises(ChangedMeanwhile, match="analyst"):
        members.change_role(membership, "admin", by=adam.actor, seen="supervisor")
    assert _membership(sam).role == "analyst"


def test_open_pages_are_told_of_a_changed_role_and_a_removal(monkeypatch, adam, sam):
    told = []
    monkeypatch.setattr(members.feed, "access_changed", told.append)
    members.change_role(_membership(sam), "analyst", by=adam.actor)
    members.remove(_membership(sam), by=adam.actor)
    members.set_password(sam.user, "chosen by me", by=sam.actor)
    assert told == [sam.user.pk] * 3


def test_a_removal_judges_what_holds_now(adam, olivia, sam):
    shown = _membership(sam)
    members.change_role(_membership(sam), Role.OWNER, by=olivia.actor)
    with pytest.raises(NotAllowed):
        members.remove(shown, by=adam.actor)
    members.remove(_membership(sam), by=olivia.actor)
    with pytest.raises(NotFound):
        members.remove(shown, by=olivia.actor)


def test_owners_are_locked_before_the_one_who_changes(olivia, sam):
    with CaptureQueriesContext(connection) as asked:
        members.change_role(_membership(sam), Role.OWNER, by=olivia.actor)
    locks = [query["sql"] for query in asked if "FOR UPDATE" in query["sql"]]
    assert len(locks) == 2
    assert "'owner'" in locks[0]
    assert "ORDER BY" in locks[0]


def test_a_new_password_ends_links_that_were_not_used(sam):
    SignInLink.objects.create(user=sam.user, digest="d", expires_at=factories.NOON)
    members.set_password(sam.user, "chosen by me", by=sam.actor)
    assert not SignInLink.objects.exists()
