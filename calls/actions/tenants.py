"""Opens tenants, changes their name, time zone, currency and limits. Members neither open nor limit one."""

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
CALLS_LIMIT = 1_000_000


def create(slug: str, *, name: str, timezone: str = "UTC", currency: str = "USD", by: Actor) -> Tenant:
    """A tenant with its empty stream. Raises NotAllowed for members, InvalidInput for a taken slug."""
    if by.user_id is not None:
        raise NotAllowed("only the installation itself opens tenants")
    _check(name=name, timezone=timezone, currency=currency)
    if Tenant.objects.filter(slug=edits.checked("slug", values.slug, slug)).exists():
        raise InvalidInput("is taken", "slug")

    tenant = Tenant(slug=slug, name=name, timezone=timezone, currency=currency)
    with tenant_scope(tenant.id):
        with edits.once("slug"):
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


def limit(tenant: Tenant, calls_at_once: int | None, *, by: Actor) -> bool:
    """How many calls at once the tenant may have; None: any number. False where it is so already.

    Calls that are going on stay; the next announcement is judged by it.
    """
    if by.user_id is not None:
        raise NotAllowed("only platform staff set the limits of a tenant")
    if calls_at_once is not None and not 0 <= calls_at_once <= CALLS_LIMIT:
        raise InvalidInput(f"must be between 0 and {CALLS_LIMIT}", "calls_at_once")
    before = tenant.calls_at_once
    if before == calls_at_once:
        return False

    with tenant_scope(tenant.id):
        tenant.calls_at_once = calls_at_once
        tenant.save(update_fields=["calls_at_once"])

        audit.record(
            "tenant.limited", by=by, kind="tenant", code=tenant.slug, calls_at_once=calls_at_once, before=before
        )
    return True


def _check(*, name: str | None, timezone: str | None, currency: str | None) -> None:
    if name is not None:
        edits.checked("name", values.name, name, most=NAME_LIMIT)
    if timezone is not None:
        edits.checked("timezone", values.timezone, timezone)
    if currency is not None:
        edits.checked("currency", values.currency, currency)
