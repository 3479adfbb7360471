"""Users of the installation, as platform staff keep them."""

from __future__ import annotations

import pytest
from django.test import Client

from calls.models import AuditEntry, User
from calls.tenancy import tenant_scope
from tests import factories

LIST = "/admin/calls/user/"


@pytest.fixture
def stella(db):
    return factories.make_user("stella@example.com", is_staff=True)


@pytest.fixture
def staff(stella):
    client = Client()
    client.force_login(stella)
    return client


def test_a_user_is_made_without_a_password(staff):
    staff.post(f"{LIST}add/", {"email": "New@Example.com", "name": "Nora", "is_active": "on"})
    made = User.objects.get(email="new@example.com")
    assert not made.has_usable_password()
    assert not made.is_staff


def test_switched_off_is_signed_out_and_on_the_tenants_record(staff, sam, acme):
    assert sam.client.get("/t/acme/live/").status_code == 200
    staff.post(f"{LIST}{sam.user.pk}/change/", {"name": "Sam", "email": "other@example.com"})
    assert sam.client.get("/t/acme/live/").status_code == 302
    assert User.objects.get(pk=sam.user.pk).email == sam.user.email
    with tenant_scope(acme.id):
        entry = AuditEntry.objects.get()
    assert (entry.verb, entry.actor_label) == ("member.changed_by_staff", "stella@example.com (platform staff)")
    assert entry.detail["is_active"] is False


def test_nobody_locks_themselves_out(staff, stella):
    page = staff.post(f"{LIST}{stella.pk}/change/", {"name": "Stella"})
    assert page.context["adminform"].form.errors.keys() == {"is_active", "is_staff"}
    assert User.objects.get(pk=stella.pk).is_staff


def test_the_list_names_tenants_and_roles(staff, sam):
    assert "acme (supervisor)" in staff.get(LIST).content.decode()


def test_an_address_is_taken_once(staff, sam):
    page = staff.post(f"{LIST}add/", {"email": sam.user.email, "is_active": "on"})
    assert page.context["adminform"].form.errors.keys() == {"email"}
