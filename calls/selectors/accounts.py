"""Provider accounts of the tenant in scope, without anything that opens a key. Reads only."""

from __future__ import annotations

from uuid import UUID

from calls.exceptions import NotFound
from calls.models import ProviderAccount

ACCOUNT_LIMIT = 200


def listed() -> list[ProviderAccount]:
    return list(ProviderAccount.objects.order_by("name")[:ACCOUNT_LIMIT])


def account_of(code: UUID) -> ProviderAccount:
    """Raises NotFound."""
    account = ProviderAccount.objects.filter(code=code).first()
    if account is None:
        raise NotFound("account")
    return account
