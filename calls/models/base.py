"""What every tenant table shares. Refuses to query when no tenant is in scope: a forgotten filter shows nothing."""

from __future__ import annotations

import uuid
from contextvars import ContextVar
from typing import Any, ClassVar, Self, TypeVar

from django.db import models

from calls.exceptions import TenantScopeMissing

M = TypeVar("M", bound=models.Model)

current_tenant: ContextVar[uuid.UUID | None] = ContextVar("current_tenant", default=None)
"""Set by tenancy.tenant_scope and by nothing else; row-level security enforces the same in the database."""


class TenantManager(models.Manager[M]):
    """Filters by the tenant in scope. Raises TenantScopeMissing without one."""

    def get_queryset(self) -> models.QuerySet[M]:
        tenant = current_tenant.get()
        if tenant is None:
            raise TenantScopeMissing(f"{self.model.__name__} was queried outside tenant_scope")
        return super().get_queryset().filter(tenant_id=tenant)


class TenantOwned(models.Model):
    """A row of one tenant. `tenant` is filled from the scope when it is not given."""

    tenant = models.ForeignKey("calls.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False)

    objects: ClassVar[TenantManager[Self]] = TenantManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.tenant_id is None:
            tenant = current_tenant.get()
            if tenant is None:
                raise TenantScopeMissing(f"{type(self).__name__} was saved outside tenant_scope")
            self.tenant_id = tenant
        super().save(*args, **kwargs)
