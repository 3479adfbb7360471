"""Only what differs is written."""

from __future__ import annotations

import pytest

from calls.actions import edits
from calls.exceptions import TenantScopeMissing


def test_what_differs_is_set_and_named(acme, django_assert_num_queries):
    assert edits.apply(acme, name="Acme", currency="EUR", timezone=None) == ["currency"]
    acme.refresh_from_db()
    assert (acme.currency, acme.timezone) == ("EUR", "UTC")
    with django_assert_num_queries(0):
        assert edits.apply(acme, currency="EUR") == []


def test_without_a_scope_there_is_no_tenant():
    with pytest.raises(TenantScopeMissing):
        edits.tenant_in_scope()
