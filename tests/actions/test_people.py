"""What people change of their own: preferences, and the end of all their sessions."""

from __future__ import annotations

import pytest
from django.contrib.auth.base_user import AbstractBaseUser
from django.test import Client

from calls import feed
from calls.actions import people
from calls.domain.roles import Role
from calls.models import AuditEntry, User
from calls.tenancy import tenant_scope
from tests import factories


@pytest.fixture
def published(monkeypatch):
    sent = []
    monkeypatch.setattr(feed, "publish", lambda group, message: sent.append((group, message["type"])))
    return sent


def test_a_preference_is_kept_and_the_others_stay(sam):
    people.prefer(sam.user, density="compact")
    people.prefer(sam.user, letter_keys=False)
    kept = User.objects.get(pk=sam.user.pk)
    assert (kept.theme, kept.density, kept.letter_keys) == ("system", "compact", False)


def test_nothing_else_is_a_preference(sam):
    with pytest.raises(TypeError, match="is_staff"):
        people.prefer(sam.user, is_staff=True)
    assert not User.objects.get(pk=sam.user.pk).is_staff


def test_every_session_ends_and_those_of_others_go_on(sam, adam):
    phone, desk = Client(), Client()
    for client in (phone, desk):
        client.force_login(sam.user)
        assert client.get("/t/acme/live/").status_code == 200
    people.sign_out_everywhere(sam.user)
    for client in (phone, desk):
        assert client.get("/t/acme/live/").url.startswith("/sign-in/?next=/t/acme/live/")
    assert adam.client.get("/t/acme/live/").status_code == 200
    again = Client()
    assert again.login(username=sam.user.email, password=factories.PASSWORD)
    assert again.get("/t/acme/live/").status_code == 200


def test_sessions_from_before_there_were_rounds_go_on(sam, settings):
    assert sam.user.get_session_auth_hash() == AbstractBaseUser.get_session_auth_hash(sam.user)
    old = sam.user.get_session_auth_hash()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
    assert list(sam.user.get_session_auth_fallback_hash()) == [old]


def test_open_pages_are_told_after_the_commit(sam, published, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        people.sign_out_everywhere(sam.user)
        assert published == []
    assert published == [(feed.user_group(sam.user.pk), "access.changed")]


def test_each_tenant_of_the_user_keeps_an_entry_and_no_other(sam, globex, rita):
    factories.make_member(globex, user=sam.user, role=Role.ANALYST)
    people.sign_out_everywhere(sam.user)
    for tenant in (sam.tenant_id, globex.id):
        with tenant_scope(tenant):
            entry = AuditEntry.objects.get()
            assert (entry.verb, entry.actor_label) == ("member.signed_out_everywhere", sam.user.email)
    people.sign_out_everywhere(rita.user)
    with tenant_scope(sam.tenant_id):
        assert AuditEntry.objects.count() == 1
