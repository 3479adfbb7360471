"""Tenants, as platform staff open and limit them: on the tenant's own record."""

from __future__ import annotations

import pytest
from django.test import Client

from calls.models import AuditEntry, Invitation, Membership, Tenant, TenantStream
from calls.tenancy import tenant_scope
from tests import factories

LIST = "/admin/calls/tenant/"
GIVEN = {
    "slug": "initech",
    "name": "Initech",
    "timezone": "Europe/Paris",
    "currency": "EUR",
    "calls_at_once": "",
    "owner": "",
}


@pytest.fixture
def staff(db):
    client = Client()
    client.force_login(factories.make_user("stella@example.com", is_staff=True))
    return client


def _record(tenant):
    with tenant_scope(tenant.id):
        return list(AuditEntry.objects.order_by("pk").values_list("verb", "actor_label"))


def test_a_tenant_is_opened_whole_with_its_owner(staff):
    assert staff.post(f"{LIST}add/", GIVEN | {"calls_at_once": "5", "owner": "Bill@initech.example"}).status_code == 302
    tenant = Tenant.objects.get(slug="initech")
    assert (tenant.name, tenant.timezone, tenant.currency, tenant.calls_at_once) == (
        "Initech",
        "Europe/Paris",
        "EUR",
        5,
    )
    with tenant_scope(tenant.id):
        assert TenantStream.objects.exists()
        assert [(one.email, one.role) for one in Invitation.objects.all()] == [("bill@initech.example", "owner")]
    assert _record(tenant) == [
        ("tenant.created", "stella@example.com (platform staff)"),
        ("member.invited", "stella@example.com (platform staff)"),
        ("tenant.limited", "stella@example.com (platform staff)"),
    ]
    assert f"/sign-in/invitation/{tenant.id.hex}" in staff.get(LIST).content.decode()


def test_an_account_that_somebody_made_of_the_owners_address_gets_nothing(staff):
    squatter = factories.make_user("bill@initech.example")
    staff.post(f"{LIST}add/", GIVEN | {"owner": "Bill@initech.example"})
    with tenant_scope(Tenant.objects.get(slug="initech").id):
        assert not Membership.objects.filter(user=squatter).exists()
        assert Invitation.objects.get().email == squatter.email


@pytest.mark.parametrize(
    ("field", "value"),
    [("slug", "No Slug"), ("timezone", "Mars/Olympus"), ("currency", "EURO"), ("calls_at_once", "-1"), ("name", "")],
)
def test_what_cannot_be_is_said_at_the_field(staff, field, value):
    page = staff.post(f"{LIST}add/", GIVEN | {field: value})
    assert page.status_code == 200
    assert page.context["adminform"].form.errors.keys() == {field}
    assert not Tenant.objects.filter(name="Initech").exists()


def test_a_slug_is_taken_once(staff, acme):
    page = staff.post(f"{LIST}add/", GIVEN | {"slug": acme.slug})
    assert page.context["adminform"].form.errors.keys() == {"slug"}


def test_the_list_counts_live_calls_members_and_accounts(staff, acme, sam):
    acme.calls_at_once = 7
    acme.save()
    factories.make_call(acme)
    page = staff.get(LIST).content.decode()
    assert "1 / 7" in page


def test_a_limit_is_set_and_lifted_and_the_slug_stays(staff, acme):
    address = f"{LIST}{acme.pk}/change/"
    same = {"name": acme.name, "timezone": acme.timezone, "currency": acme.currency}
    staff.post(address, same | {"calls_at_once": "3", "slug": "other"})
    acme.refresh_from_db()
    assert (acme.calls_at_once, acme.slug) == (3, "acme")
    staff.post(address, same | {"calls_at_once": ""})
    acme.refresh_from_db()
    assert acme.calls_at_once is None
    assert [verb for verb, _ in _record(acme)] == ["tenant.limited", "tenant.limited"]


def test_saving_what_is_so_already_is_not_on_record(staff, acme):
    same = {"name": acme.name, "timezone": acme.timezone, "currency": acme.currency, "calls_at_once": ""}
    staff.post(f"{LIST}{acme.pk}/change/", same)
    assert _record(acme) == []


def test_a_change_is_on_the_record_of_that_tenant_alone(staff, acme, globex):
    same = {"timezone": acme.timezone, "currency": acme.currency, "calls_at_once": ""}
    staff.post(f"{LIST}{acme.pk}/change/", same | {"name": "Acme Two"})
    assert _record(acme) == [("tenant.changed", "stella@example.com (platform staff)")]
    assert _record(globex) == []
