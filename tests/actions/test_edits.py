"""Only what differs is written."""

from __future__ import annotations

import pytest
from django.db.models import QuerySet

from calls.actions import accounts, agents, edits, staff, tenants
from calls.domain import values
from calls.domain.actors import SYSTEM
from calls.exceptions import ChangedMeanwhile, InvalidInput, TenantScopeMissing
from calls.tenancy import tenant_scope


def test_what_differs_is_set_and_named(acme, django_assert_num_queries):
    assert edits.apply(acme, name="Acme", currency="EUR", timezone=None) == ["currency"]
    acme.refresh_from_db()
    assert (acme.currency, acme.timezone) == ("EUR", "UTC")
    with django_assert_num_queries(0):
        assert edits.apply(acme, currency="EUR") == []


def test_without_a_scope_there_is_no_tenant():
    with pytest.raises(TenantScopeMissing):
        edits.tenant_in_scope()


def test_a_stamp_stands_for_what_was_shown(acme):
    seen = edits.stamp(acme, ["name", "currency"])
    acme.timezone = "Europe/Berlin"
    acme.save()
    edits.hold(acme, ["name", "currency"], seen)
    acme.currency = "EUR"
    acme.save()
    with pytest.raises(ChangedMeanwhile):
        edits.hold(acme, ["name", "currency"], seen)
    edits.hold(acme, ["name", "currency"], None)


def test_differences_name_both_sides_and_cut_what_is_long():
    assert edits.differences({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": "x" * 200}) == {"b": [2, 3], "c": [None, "…"]}


def test_a_complaint_names_its_field():
    assert edits.checked("slug", values.slug, "acme") == "acme"
    with pytest.raises(InvalidInput) as caught:
        edits.checked("slug", values.slug, "A")
    assert caught.value.field == "slug"


@pytest.mark.parametrize(
    ("create", "field"),
    [
        (
            lambda: agents.create("Twin", model="gpt-realtime", voice="marin", instructions="Be brief.", by=SYSTEM),
            "name",
        ),
        (lambda: accounts.create("Twin", api_key="sk-twin", webhook_secrets=["twin"], by=SYSTEM), "name"),
        (lambda: tenants.create("twin", name="Twin", by=SYSTEM), "slug"),
        (lambda: staff.create_user("twin@example.com", by=SYSTEM), "email"),
    ],
)
def test_two_at_the_same_moment_are_told_like_one_after_the_other(monkeypatch, acme, create, field):
    # Neither sees the other's row yet.
    monkeypatch.setattr(QuerySet, "exists", lambda self: False)
    with tenant_scope(acme.id):
        create()
        with pytest.raises(InvalidInput, match="is taken") as refused:
            create()
    assert refused.value.field == field
