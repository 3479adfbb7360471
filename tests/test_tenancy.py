"""The scope of one tenant: nests, restores, fails closed."""

from __future__ import annotations

import pytest
from django.db import connection

from calls.exceptions import TenantScopeMissing
from calls.models import Agent, Membership
from calls.models.base import current_tenant
from calls.tenancy import tenant_scope, user_scope
from tests import factories


def _announced() -> str:
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(current_setting('app.tenant', true), '')")
        return cursor.fetchone()[0]


def test_a_query_outside_any_scope_is_refused(acme):
    with pytest.raises(TenantScopeMissing, match="Agent"):
        Agent.objects.count()


def test_a_save_outside_any_scope_is_refused(acme):
    with pytest.raises(TenantScopeMissing):
        Agent(name="A", model="m").save()


def test_a_saved_row_belongs_to_the_tenant_in_scope(acme):
    with tenant_scope(acme.id):
        assert Agent.objects.create(name="A", model="m").tenant_id == acme.id


def test_only_the_rows_of_the_tenant_in_scope_are_seen(acme, globex):
    ours = factories.make_agent(acme)
    factories.make_agent(globex)
    with tenant_scope(acme.id):
        assert list(Agent.objects.all()) == [ours]


def test_scopes_nest_and_the_outer_one_returns(acme, globex):
    with tenant_scope(acme.id):
        with tenant_scope(globex.id):
            assert current_tenant.get() == globex.id
            assert _announced() == str(globex.id)
        assert current_tenant.get() == acme.id
        assert _announced() == str(acme.id)
    assert current_tenant.get() is None
    assert _announced() == ""


def test_the_outer_scope_returns_after_an_exception_too(acme, globex):
    with tenant_scope(acme.id):
        with pytest.raises(RuntimeError), tenant_scope(globex.id):
            raise RuntimeError
        assert current_tenant.get() == acme.id
        assert _announced() == str(acme.id)


def test_nothing_of_a_scope_outlives_its_transaction(committed_db, acme):
    with tenant_scope(acme.id):
        pass
    assert _announced() == ""


def test_a_user_sees_their_own_memberships_and_nobody_elses(sam, adam, rita):
    with user_scope(sam.user.pk):
        assert [row.user_id for row in Membership.objects.all()] == [sam.user.pk]
    assert not Membership.objects.exists()
