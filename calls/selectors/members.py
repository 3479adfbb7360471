"""Who belongs to which tenant: the only way from a user to a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from calls.domain.actors import Actor
from calls.models import Membership
from calls.tenancy import user_scope


@dataclass(frozen=True, slots=True)
class Member:
    """A user in one tenant."""

    tenant_id: UUID
    slug: str
    tenant_name: str
    timezone: str
    currency: str
    actor: Actor


def memberships(user_id: int) -> list[Member]:
    """Every tenant of an active user, by name."""
    with user_scope(user_id):
        found = (
            Membership.objects.filter(user_id=user_id, user__is_active=True)
            .select_related("tenant", "user")
            .order_by("tenant__name")
        )
        return [
            Member(
                tenant_id=row.tenant_id,
                slug=row.tenant.slug,
                tenant_name=row.tenant.name,
                timezone=row.tenant.timezone,
                currency=row.tenant.currency,
                actor=Actor(user_id=user_id, label=row.user.email, role=row.role),
            )
            for row in found
        ]


def member_of(user_id: int, slug: str) -> Member | None:
    """The user's membership in the tenant `slug`; None where there is none, or no such tenant."""
    return next((member for member in memberships(user_id) if member.slug == slug), None)
