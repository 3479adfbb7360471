"""Only what differs is written."""

from __future__ import annotations

import pytest

from calls.actions import edits
from calls.domain import values
from calls.exceptions import ChangedMeanwhile, InvalidInput, TenantScopeMissing


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
