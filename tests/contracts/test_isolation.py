"""The wall between tenants, read from the catalogue and tried from outside: as the application's role, in plain SQL."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, connections, transaction
from django.utils import timezone

from calls.actions import audit, usage
from calls.domain.actors import SYSTEM
from calls.models import Agent, Call, CallEvent, Invitation, TenantEvent, WebhookEvent
from calls.tenancy import tenant_scope
from tests import factories

OUTSIDE = {
    "calls_pricelist",
    "calls_signinlink",
    "calls_tenant",
    "calls_user",
    "calls_user_groups",
    "calls_user_user_permissions",
    "calls_worker",
}
"""Tables of ours without a tenant: needed before one is known, or serving all of them."""


@pytest.fixture(scope="module")
def catalogue(database_url):
    with psycopg.connect(database_url, autocommit=True) as owner:
        yield owner


def _tenant_tables(owner) -> list[str]:
    return [
        name
        for (name,) in owner.execute(
            "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid"
            " where a.attname = 'tenant_id' and c.relkind in ('r', 'p')"
            " and c.relnamespace = 'public'::regnamespace order by 1"
        )
    ]


def _one_row_everywhere(tenant) -> None:
    """A row of `tenant` in every tenant table."""
    factories.make_member(tenant)
    agent = factories.make_agent(tenant)
    factories.make_route(agent)
    call = factories.make_call(tenant, agent=agent)
    factories.make_turn(call)
    factories.make_usage(call)
    factories.make_gap(call)
    factories.make_command(call)
    with tenant_scope(tenant.id):
        now = timezone.now()
        CallEvent.objects.create(call=call, seq=1, kind="call", at=now, body={})
        TenantEvent.objects.create(seq=1, kind="call", at=now, body={})
        WebhookEvent.objects.create(
            account=call.account, webhook_id=str(call.code), type="t", verdict="ignored", body={}
        )
        Invitation.objects.create(email="new@example.com", role="analyst", digest="0" * 64, expires_at=now)
        audit.record("test.done", by=SYSTEM, kind="test", code=1)
        usage.sum_up()
    factories.make_usage(call)  # marked again
    factories.make_export(tenant)


def _count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f'select count(*) from "{table}"')
        return cursor.fetchone()[0]


def test_every_table_of_ours_has_a_tenant_or_is_known_to_have_none(catalogue):
    ours = {name for (name,) in catalogue.execute("select tablename from pg_tables where tablename like 'calls_%'")}
    assert ours - set(_tenant_tables(catalogue)) == OUTSIDE


def test_every_tenant_table_forces_a_policy_on_the_application(catalogue):
    for table in _tenant_tables(catalogue):
        enabled, forced, owner = catalogue.execute(
            "select relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner)"
            " from pg_class where oid = %s::regclass",
            [table],
        ).fetchone()
        assert enabled, table
        assert forced, table
        assert owner not in {settings.APP_ROLE, settings.SIDEBAND_ROLE}, table
        policies = catalogue.execute(
            "select polcmd, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) from pg_policy"
            " where polrelid = %s::regclass and %s::regrole = any(polroles)",
            [table, settings.APP_ROLE],
        ).fetchall()
        assert len(policies) == 1, table
        command, using, check = policies[0]
        assert command == "*", table
        assert "app.tenant" in using, table
        assert "app.tenant" in check, table
        assert "app.user" not in check, table


def test_the_roles_of_processes_own_nothing_and_bypass_nothing(catalogue):
    for role in (settings.APP_ROLE, settings.SIDEBAND_ROLE):
        assert (
            catalogue.execute(
                "select rolsuper, rolbypassrls, rolcanlogin, rolcreaterole, rolcreatedb from pg_roles"
                " where rolname = %s",
                [role],
            ).fetchone()
            == (False,) * 5
        )
        owned = catalogue.execute("select relname from pg_class where relowner = %s::regrole", [role]).fetchall()
        assert owned == []


def test_without_a_tenant_every_table_is_empty_and_with_one_it_holds_its_rows_only(
    committed_db, catalogue, acme, globex
):
    for tenant in (acme, globex):
        _one_row_everywhere(tenant)
    for table in _tenant_tables(catalogue):
        with tenant_scope(globex.id):
            assert _count(table) > 0, f"the test puts no row into {table}"
        assert _count(table) == 0, table  # autocommit: no rows, and no error either
        with tenant_scope(acme.id):
            assert _count(table) > 0, f"the test puts no row into {table}"
            with connection.cursor() as cursor:
                cursor.execute(f'select distinct tenant_id from "{table}"')
                assert cursor.fetchall() == [(acme.id,)], table
        assert _count(table) == 0, table


@pytest.mark.parametrize("table", ["calls_user", "calls_membership", "calls_auditentry", "django_session"])
def test_a_sideband_worker_may_not_even_read_people_sessions_and_the_audit_log(catalogue, table):
    for right in ("select", "insert", "update", "delete"):
        found = catalogue.execute("select has_table_privilege(%s, %s, %s)", [settings.SIDEBAND_ROLE, table, right])
        assert found.fetchone() == (False,), right


def test_a_row_for_another_tenant_is_refused(acme, globex):
    with (
        tenant_scope(acme.id),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        Agent.objects.create(tenant=globex, name="Spy", model="m")


def test_a_row_cannot_be_moved_to_another_tenant(acme, globex):
    agent = factories.make_agent(acme)
    with (
        tenant_scope(acme.id),
        pytest.raises(ProgrammingError, match="row-level security"),
        transaction.atomic(),
    ):
        Agent.objects.filter(pk=agent.pk).update(tenant=globex)


def test_a_rivals_rows_can_be_neither_changed_nor_deleted(acme, globex):
    agent = factories.make_agent(acme)
    with tenant_scope(globex.id), connection.cursor() as cursor:
        cursor.execute("update calls_agent set name = 'x' where id = %s", [agent.pk])
        assert cursor.rowcount == 0
        cursor.execute("delete from calls_agent where id = %s", [agent.pk])
        assert cursor.rowcount == 0


def test_nothing_leaks_through_the_pool(committed_db, acme, globex):
    """More threads than connections, so that each connection serves both tenants, with and without a scope."""
    expected = {tenant.id: {factories.make_call(tenant).pk for _ in range(3)} for tenant in (acme, globex)}
    tenants = list(expected)
    gate = threading.Barrier(20)

    def visit(seed: int) -> list[str]:
        dice = random.Random(seed)
        faults = []
        gate.wait()
        try:
            for _ in range(25):
                tenant = dice.choice(tenants)
                with tenant_scope(tenant):
                    if set(Call.objects.values_list("pk", flat=True)) != expected[tenant]:
                        faults.append("another tenant's calls")
                if _count("calls_call"):
                    faults.append("rows without a scope")
                # As after a request: the next one may get another connection, and this one another thread.
                connection.close()
        finally:
            connections.close_all()
        return faults

    with ThreadPoolExecutor(20) as pool:
        assert [fault for faults in pool.map(visit, range(20)) for fault in faults] == []
