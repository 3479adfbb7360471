"""The platform staff's site: theirs alone, behind the one door, with scripts of our own only."""

from __future__ import annotations

import pytest
from django.test import Client

from tests import factories

PAGES = ["/admin/", "/admin/calls/tenant/", "/admin/calls/user/add/", "/admin/calls/worker/", "/admin/calls/pricelist/"]


@pytest.fixture
def staff(db):
    user = factories.make_user("stella@example.com", is_staff=True)
    client = Client()
    client.force_login(user)
    client.user = user
    return client


@pytest.mark.parametrize("page", PAGES)
def test_staff_may_enter(staff, page):
    answer = staff.get(page)
    assert answer.status_code == 200
    assert "stella@example.com" in answer.content.decode()


@pytest.mark.parametrize("page", [*PAGES, "/admin/nothing/"])
@pytest.mark.parametrize("role", ["olivia", "adam", "sam", "ana"])
def test_to_members_the_pages_do_not_exist(request, role, page):
    assert request.getfixturevalue(role).client.get(page).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_strangers_are_sent_to_the_door_that_counts_tries(page):
    answer = Client().get(page, follow=True)
    path, query = answer.redirect_chain[-1][0].split("?")
    assert path == "/sign-in/"
    assert "admin" in query
    assert "no-referrer" not in answer.headers.get("Referrer-Policy", "")


@pytest.mark.django_db
def test_staff_who_are_switched_off_may_not():
    user = factories.make_user(is_staff=True)
    client = Client()
    client.force_login(user)
    user.is_active = False
    user.save()
    assert client.get("/admin/").status_code == 302


def test_superusers_who_are_no_staff_may_not(db):
    client = Client()
    client.force_login(factories.make_user(is_superuser=True))
    assert client.get("/admin/").status_code == 404


def test_trusted_types_are_lifted_there_and_nothing_else(staff, sam):
    theirs, ours = (
        client.get(path)["Content-Security-Policy"]
        for client, path in ((staff, "/admin/"), (sam.client, "/t/acme/live/"))
    )
    assert "trusted-types" not in theirs
    assert "require-trusted-types-for 'script'" in ours
    for policy in (theirs, ours):
        assert "script-src 'self'" in policy
        assert "style-src 'self'" in policy
        assert "unsafe" not in policy


@pytest.mark.parametrize("page", ["/admin/password_change/", "/admin/calls/call/", "/admin/auth/group/"])
def test_passwords_calls_and_groups_are_none_of_it(staff, page):
    assert staff.get(page).status_code == 404


def test_staff_enter_no_tenant(staff, acme):
    assert staff.get("/t/acme/live/").status_code == 404


def test_workers_are_looked_at_only(staff):
    assert staff.get("/admin/calls/worker/add/").status_code == 403


def test_nothing_is_deleted(staff, acme):
    assert staff.post(f"/admin/calls/tenant/{acme.pk}/delete/", {"post": "yes"}).status_code == 403
