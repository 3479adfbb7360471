"""Who belongs to which tenant: the only way from a user to a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from calls.domain.actors import Actor
from calls.domain.roles import Role
from calls.exceptions import NotFound
from calls.models import Invitation, Membership
from calls.tenancy import user_scope

ROSTER_LIMIT = 1_000
"""People and invitations that a list shows"""


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


def roster(tenant: UUID) -> list[Membership]:
    """The people of the tenant in scope, owners first, then by name. A user's own other tenants stay out of it."""
    found = Membership.objects.filter(tenant_id=tenant).select_related("user").order_by("user__email")[:ROSTER_LIMIT]
    ranks = {role: rank for rank, role in enumerate(Role)}
    return sorted(found, key=lambda one: (ranks.get(Role(one.role), 9), str(one.user).lower()))


def membership_of(tenant: UUID, pk: int) -> Membership:
    """Raises NotFound."""
    found = Membership.objects.filter(tenant_id=tenant, pk=pk).select_related("user").first()
    if found is None:
        raise NotFound("member")
    return found


def invitations() -> list[Invitation]:
    """Open and expired ones of the tenant in scope, newest first."""
    return list(Invitation.objects.select_related("invited_by").order_by("-created_at")[:ROSTER_LIMIT])


def invitation_of(code: UUID) -> Invitation:
    """Raises NotFound."""
    found = Invitation.objects.filter(code=code).first()
    if found is None:
        raise NotFound("invitation")
    return found
