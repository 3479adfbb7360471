"""Provider accounts of the tenant in scope, without anything that opens a key. Reads only."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from calls.exceptions import NotFound
from calls.models import ProviderAccount, Tenant
from calls.models.base import current_tenant

ACCOUNT_LIMIT = 200

_AT_ADDRESS = """
select a.id, a.code, a.webhook_secret_sealed, a.previous_webhook_secret_sealed, t.id, t.calls_at_once
from calls_provideraccount a join calls_tenant t on t.id = a.tenant_id
where a.path_token = %s and a.tenant_id = %s
"""


def listed() -> list[ProviderAccount]:
    return list(ProviderAccount.objects.order_by("name")[:ACCOUNT_LIMIT])


def account_of(code: UUID) -> ProviderAccount:
    """Raises NotFound."""
    account = ProviderAccount.objects.filter(code=code).first()
    if account is None:
        raise NotFound("account")
    return account


def at_address(path_token: str) -> ProviderAccount | None:
    """What an intake needs of the account and its tenant, as of this moment: a rotated secret holds at once.

    Nothing else of it is loaded: the query set alone costs more than the rest of an intake's reading.
    """
    with connection.cursor() as cursor:
        cursor.execute(_AT_ADDRESS, [path_token, current_tenant.get()])
        found = cursor.fetchone()
    if found is None:
        return None
    pk, code, secret, previous, tenant, limit = found
    return ProviderAccount(
        pk=pk,
        code=code,
        path_token=path_token,
        webhook_secret_sealed=secret,
        previous_webhook_secret_sealed=previous,
        tenant=Tenant(pk=tenant, calls_at_once=limit),
    )
