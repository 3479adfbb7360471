"""What editing actions share: the tenant in scope, changing only what differs. Audits nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import models

from calls.exceptions import TenantScopeMissing
from calls.models.base import current_tenant


def tenant_in_scope() -> UUID:
    tenant = current_tenant.get()
    if tenant is None:
        raise TenantScopeMissing("this action needs a tenant_scope")
    return tenant


def apply(row: models.Model, **wanted: Any) -> list[str]:
    """Set and save what differs; None means "leave it". Returns the names of the fields that changed."""
    changed = [name for name, value in wanted.items() if value is not None and getattr(row, name) != value]
    for name in changed:
        setattr(row, name, wanted[name])
    if changed:
        row.save(update_fields=changed)
    return changed
