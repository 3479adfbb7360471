"""The audit log only grows, whoever asks; and no action changes something without leaving an entry."""

from __future__ import annotations

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from calls.actions import audit
from calls.domain.actors import SYSTEM
from calls.models import AuditEntry
from calls.tenancy import tenant_scope

CHANGES = [
    "update calls_auditentry set verb = 'x'",
    "delete from calls_auditentry",
    "truncate calls_auditentry",
]


@pytest.fixture
def entry(acme):
    with tenant_scope(acme.id):
        return audit.record("test.done", by=SYSTEM, kind="test", code=1)


@pytest.mark.parametrize("statement", CHANGES)
def test_the_application_cannot_change_an_entry(acme, entry, statement):
    with tenant_scope(acme.id):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        assert AuditEntry.objects.get().verb == "test.done"


@pytest.mark.parametrize("statement", CHANGES)
def test_not_even_the_owner_of_the_table_can(committed_db, acme, entry, statement):
    with (
        psycopg.connect(committed_db) as owner,
        pytest.raises(psycopg.errors.RaiseException, match="only grows"),
    ):
        owner.execute(statement)
