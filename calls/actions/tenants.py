"""Opens tenants, changes their name, time zone and currency. Members cannot open one."""

from __future__ import annotations

from calls.actions import audit, edits
from calls.domain import values
from calls.domain.actors import Actor
from calls.domain.roles import Capability
from calls.exceptions import InvalidInput, NotAllowed
from calls.models import Tenant, TenantStream
from calls.tenancy import tenant_scope

NAME_LIMIT = 120
SHOWN = ("name", "timezone", "currency")
"""What the stamp of a tenant's form stands for"""


def create(slug: str, *, name: str, timezone: str = "UTC", currency: str = "USD", by: Actor) -> Tenant:
    """A tenant with its empty stream. Raises NotAllowed for members, InvalidInput for a taken slug."""
    if by.user_id is not None:
        raise NotAllowed("only the installation itself opens tenants")
    _check(name=name, timezone=timezone, currency=currency)
    if Tenant.objects.filter(slug=edits.checked("slug", values.slug, slug)).exists():
        raise InvalidInput("is taken", "slug")

    tenant = Tenant(slug=slug, name=name, timezone=timezone, currency=currency)
    with tenant_scope(tenant.id):
        tenant.save(force_insert=True)
        TenantStream.objects.create()

        audit.record("tenant.created", by=by, kind="tenant", code=slug)
    return tenant


def change(
    tenant: Tenant,
    *,
    by: Actor,
    name: str | None = None,
    timezone: str | None = None,
    currency: str | None = None,
    seen: str | None = None,
) -> list[str]:
    """Change what is given and differs; returns the names of the fields that changed."""
    by.require(Capability.MANAGE)
    _check(name=name, timezone=timezone, currency=currency)

    with tenant_scope(tenant.id):
        edits.hold(tenant, SHOWN, seen)
        before = edits.values_of(tenant, SHOWN)
        changed = edits.apply(tenant, name=name, timezone=timezone, currency=currency)

        if changed:
            told = edits.differences(before, edits.values_of(tenant, SHOWN))
            audit.record("tenant.changed", by=by, kind="tenant", code=tenant.slug, fields=changed, values=told)
    return changed


def _check(*, name: str | None, timezone: str | None, currency: str | None) -> None:
    if name is not None:
        edits.checked("name", values.name, name, most=NAME_LIMIT)
    if timezone is not None:
        edits.checked("timezone", values.timezone, timezone)
    if currency is not None:
        edits.checked("currency", values.currency, currency)
