"""Tenants: opened by the installation, changed by those who manage them."""

from __future__ import annotations

import pytest

from calls.actions import tenants
from calls.domain.actors import SYSTEM
from calls.exceptions import InvalidInput, NotAllowed
from calls.models import AuditEntry, Tenant, TenantStream
from calls.tenancy import tenant_scope


def test_a_new_tenant_has_its_stream_and_an_entry(db):
    tenant = tenants.create("acme", name="Acme", by=SYSTEM)
    with tenant_scope(tenant.id):
        assert TenantStream.objects.get().last_seq == 0
        assert AuditEntry.objects.get().verb == "tenant.created"


def test_members_open_no_tenants(olivia):
    with pytest.raises(NotAllowed):
        tenants.create("other", name="Other", by=olivia.actor)


def test_a_slug_is_taken_once(acme):
    with pytest.raises(InvalidInput, match="slug: is taken"):
        tenants.create("acme", name="Second", by=SYSTEM)


@pytest.mark.parametrize("fields", [{"timezone": "Mars/Olympus"}, {"currency": "eur"}, {"name": " "}])
def test_values_that_cannot_be_used_are_refused(acme, olivia, fields):
    with pytest.raises(InvalidInput):
        tenants.change(acme, **fields, by=olivia.actor)


def test_only_what_differs_is_changed_and_audited(acme, adam):
    assert tenants.change(acme, name="Acme", currency="EUR", by=adam.actor) == ["currency"]
    assert tenants.change(acme, currency="EUR", by=adam.actor) == []
    assert Tenant.objects.get(slug="acme").currency == "EUR"
    with tenant_scope(acme.id):
        entry = AuditEntry.objects.get()
    assert (entry.verb, entry.actor_id, entry.detail) == (
        "tenant.changed",
        adam.user.pk,
        {"fields": ["currency"], "values": {"currency": ["USD", "EUR"]}},
    )


def test_supervisors_change_no_tenant(acme, sam):
    with pytest.raises(NotAllowed):
        tenants.change(acme, name="Mine", by=sam.actor)
