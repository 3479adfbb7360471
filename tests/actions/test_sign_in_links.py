"""Links that sign in once: kept as digests, used up by one, replaced by the next."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.actions import sign_in_links
from calls.actions.sign_in_links import Standing
from calls.domain.actors import SYSTEM
from calls.exceptions import InvalidInput, NotAllowed
from calls.models import AuditEntry, SignInLink
from calls.tenancy import tenant_scope


def test_a_link_signs_its_user_in_once(sam):
    token = sign_in_links.make(sam.user.email.upper(), by=SYSTEM)
    assert sign_in_links.look(token) == (Standing.GOOD, sam.user)
    assert sign_in_links.look(token) == (Standing.GOOD, sam.user)  # looking uses nothing up
    assert sign_in_links.use(token) == (Standing.GOOD, sam.user)
    assert sign_in_links.use(token) == (Standing.USED, None)
    assert sign_in_links.look(token) == (Standing.USED, None)


def test_the_token_itself_is_not_kept(sam):
    token = sign_in_links.make(sam.user.email, by=SYSTEM)
    assert token not in SignInLink.objects.get().digest


def test_an_expired_link_signs_nobody_in(sam):
    token = sign_in_links.make(sam.user.email, lasts=timedelta(minutes=5), by=SYSTEM)
    SignInLink.objects.update(expires_at=timezone.now())
    assert sign_in_links.use(token) == (Standing.EXPIRED, None)


def test_nor_does_one_of_a_user_who_was_switched_off(sam):
    token = sign_in_links.make(sam.user.email, by=SYSTEM)
    sam.user.is_active = False
    sam.user.save()
    assert sign_in_links.use(token) == (Standing.EXPIRED, None)


def test_a_new_link_replaces_the_one_before(sam):
    before = sign_in_links.make(sam.user.email, by=SYSTEM)
    after = sign_in_links.make(sam.user.email, by=SYSTEM)
    assert sign_in_links.use(before) == (Standing.UNKNOWN, None)
    assert sign_in_links.use(after)[0] is Standing.GOOD


def test_both_ends_of_a_link_are_on_the_tenants_record(acme, sam):
    sign_in_links.use(sign_in_links.make(sam.user.email, by=SYSTEM))
    with tenant_scope(acme.id):
        entries = list(AuditEntry.objects.order_by("pk").values_list("verb", "actor_label", "object_code"))
    assert entries == [
        ("member.sign_in_link_made", "system", sam.user.email),
        ("member.signed_in_by_link", sam.user.email, sam.user.email),
    ]


@pytest.mark.parametrize("lasts", [timedelta(), timedelta(hours=25)])
def test_how_long_a_link_lasts_is_bounded(sam, lasts):
    with pytest.raises(InvalidInput):
        sign_in_links.make(sam.user.email, lasts=lasts, by=SYSTEM)


@pytest.mark.django_db
def test_links_are_for_users_who_exist():
    with pytest.raises(InvalidInput):
        sign_in_links.make("nobody@example.com", by=SYSTEM)


def test_members_make_none(sam, olivia):
    with pytest.raises(NotAllowed):
        sign_in_links.make(sam.user.email, by=olivia.actor)
