"""What platform staff do to users; tests/web/staff drives it through their pages."""

from __future__ import annotations

import pytest

from calls.actions import staff, tenants
from calls.domain.actors import SYSTEM
from calls.exceptions import InvalidInput, NotAllowed
from calls.models import SignInLink, User
from tests import factories

SAME = {"name": "", "is_active": True, "is_staff": False}


def test_members_keep_no_list_of_users_and_set_no_limit(acme, sam, olivia):
    with pytest.raises(NotAllowed):
        staff.create_user("x@example.com", by=olivia.actor)
    with pytest.raises(NotAllowed):
        staff.change_user(sam.user, **SAME, by=olivia.actor)
    with pytest.raises(NotAllowed):
        tenants.limit(acme, 5, by=olivia.actor)


@pytest.mark.django_db
def test_an_address_is_taken_once():
    user = factories.make_user()
    with pytest.raises(InvalidInput):
        staff.create_user(user.email, by=SYSTEM)


def test_what_is_so_already_is_no_change(sam):
    assert staff.change_user(sam.user, name=sam.user.name, is_active=True, is_staff=False, by=SYSTEM) == []


@pytest.mark.parametrize("calls", [-1, tenants.CALLS_LIMIT + 1])
def test_a_limit_has_bounds(acme, calls):
    with pytest.raises(InvalidInput):
        tenants.limit(acme, calls, by=SYSTEM)


def test_switched_off_ends_sessions_and_links_for_good(monkeypatch, sam):
    told = []
    monkeypatch.setattr(staff.feed, "access_changed", told.append)
    SignInLink.objects.create(user=sam.user, digest="d", expires_at=factories.NOON)
    before = sam.user.get_session_auth_hash()
    staff.change_user(sam.user, **SAME | {"is_active": False}, by=SYSTEM)
    staff.change_user(sam.user, **SAME, by=SYSTEM)
    assert User.objects.get(pk=sam.user.pk).get_session_auth_hash() != before
    assert not SignInLink.objects.exists()
    assert told == [sam.user.pk]
