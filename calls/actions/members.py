"""Puts people into the tenant in scope, changes their role, takes them out. An owner always remains."""

from __future__ import annotations

from calls import feed
from calls.actions import audit, edits
from calls.domain import values
from calls.domain.actors import Actor
from calls.domain.roles import Capability, Role
from calls.exceptions import ChangedMeanwhile, InvalidInput, NotAllowed, NotFound
from calls.models import Invitation, Membership, SignInLink, User


def add(email: str, role: str, *, by: Actor, password: str | None = None) -> Membership:
    """Make someone a member. A user whom another tenant knows already keeps their password."""
    by.require(Capability.MANAGE)
    email, role = values.email(email), values.role(role)
    owners_only(role, by)
    tenant = edits.tenant_in_scope()
    user = User.objects.filter(email=email).first()
    if user is not None and Membership.objects.filter(user=user, tenant_id=tenant).exists():
        raise InvalidInput("is a member already", "email")

    with edits.once("email", "is a member already"):
        user = user or User.objects.create_user(email, password)
        membership = Membership.objects.create(user=user, tenant_id=tenant, role=role)

    audit.record("member.added", by=by, kind="member", code=email, role=role)
    return membership


def change_role(membership: Membership, role: str, *, by: Actor, seen: str | None = None) -> bool:
    """Give another role; False where it is the same. Raises InvalidInput for the last owner.

    `seen`: the role that the person who changes it saw; raises ChangedMeanwhile where it is another one by now.
    """
    by.require(Capability.MANAGE)
    role = edits.checked("role", values.role, role)
    owners = _hold(membership)
    if seen is not None and seen != membership.role:
        raise ChangedMeanwhile(f"somebody made them {membership.role} while you were looking")
    if membership.role == role:
        return False
    owners_only(role, by)
    owners_only(membership.role, by)
    _keep_an_owner(membership, owners)

    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])

    feed.access_changed(membership.user_id)
    audit.record("member.role_changed", by=by, kind="member", code=membership.user.email, role=role, before=before)
    return True


def remove(membership: Membership, *, by: Actor) -> None:
    """Take someone out of the tenant; their open pages close. Raises InvalidInput for the last owner."""
    by.require(Capability.MANAGE)
    owners = _hold(membership)
    owners_only(membership.role, by)
    _keep_an_owner(membership, owners)

    email, user_id = membership.user.email, membership.user_id
    membership.delete()
    # Nobody comes back by an invitation that was made for them before.
    Invitation.objects.filter(email=email).delete()

    feed.access_changed(user_id)
    audit.record("member.removed", by=by, kind="member", code=email)


def set_password(user: User, password: str, *, by: Actor) -> bool:
    """Set a password, which signs the user out everywhere; False where it is the same.

    Only one's own, or by the system: a user may be in several tenants, so no owner may set another's.
    """
    if by.user_id is not None and by.user_id != user.pk:
        raise NotAllowed(Capability.MANAGE.value)
    values.text(password, most=values.SECRET_LIMIT)
    if user.check_password(password):
        return False

    user.set_password(password)
    user.save(update_fields=["password"])
    SignInLink.objects.filter(user=user, used_at=None).delete()

    feed.access_changed(user.pk)
    audit.record("member.password_set", by=by, kind="member", code=user.email)
    return True


def owners_only(role: str, by: Actor) -> None:
    """Owners alone make and unmake owners."""
    if role == Role.OWNER and by.user_id is not None and by.role != Role.OWNER:
        raise NotAllowed(Role.OWNER.value)


def _hold(membership: Membership) -> list[Membership]:
    """Lock the tenant's owners, then this row, and read it anew: judged is what holds, not what a page showed.

    Everybody locks in this order: two owners who leave at once neither wait for each other for ever, nor both see
    the other one stay. Raises NotFound where the member was taken out meanwhile.
    """
    owners = Membership.objects.select_for_update().filter(tenant_id=membership.tenant_id, role=Role.OWNER)
    held = list(owners.order_by("pk"))
    try:
        membership.refresh_from_db(from_queryset=Membership.objects.select_for_update())
    except Membership.DoesNotExist:
        raise NotFound("member") from None
    return held


def _keep_an_owner(leaving: Membership, owners: list[Membership]) -> None:
    if leaving.role == Role.OWNER and all(owner.pk == leaving.pk for owner in owners):
        raise InvalidInput("the last owner of a tenant stays one", "role")
