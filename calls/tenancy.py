"""Opens the scope of one tenant: a transaction, the database's own setting, and the managers' variable. The only door.

There is no scope over all tenants. A webhook address names its tenant, jobs walk the tenants one by one, and the
sideband workers use a database role of their own (docs/decisions/0003).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, transaction

from calls.models.base import current_tenant

HOLDS_CALLS_MS = 2_500
"""So long a process that stands still may hold the row of a live call: its worker, which cannot renew it meanwhile,
bears less than 4 s. Pages lock none, and are written inside their transactions: they have the session's own limit"""


@contextmanager
def tenant_scope(tenant: UUID, *, idle_ms: int | None = None) -> Iterator[None]:
    """Everything inside sees and writes rows of `tenant` only. Nests; the outer scope returns at the end.

    `idle_ms`: so long the transaction may wait for us between two statements, where the session's own limit is too
    long.
    """
    outer = current_tenant.get()
    nested = connection.in_atomic_block
    with transaction.atomic():
        _announce(tenant)
        if idle_ms is not None:
            _set("idle_in_transaction_session_timeout", f"{idle_ms}ms")
        token = current_tenant.set(tenant)
        try:
            yield
        finally:
            current_tenant.reset(token)
        # A local setting lasts until the transaction ends, also past a savepoint: put the outer one back by hand.
        # (After an exception the rollback does it, and the end of the transaction.)
        if nested:
            _announce(outer)


@contextmanager
def user_scope(user_id: int) -> Iterator[None]:
    """Inside, the memberships of this user are visible: what a tenant is chosen from. Opens no tenant."""
    nested = connection.in_atomic_block
    with transaction.atomic():
        _set("app.user", str(user_id))
        yield
        if nested:
            _set("app.user", "")


def _announce(tenant: UUID | None) -> None:
    _set("app.tenant", str(tenant or ""))


def _set(name: str, value: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select set_config(%s, %s, true)", [name, value])
