"""What platform staff do to users of the whole installation. On the record of every tenant that the user belongs to."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F

from calls import feed
from calls.actions import audit, edits
from calls.domain import values
from calls.domain.actors import Actor
from calls.exceptions import InvalidInput, NotAllowed
from calls.models import SignInLink, User
from calls.selectors.members import memberships
from calls.tenancy import tenant_scope

NAME_LIMIT = 120


def create_user(email: str, *, name: str = "", is_active: bool = True, is_staff: bool = False, by: Actor) -> User:
    """A user without password, in no tenant: `manage.py sign_in_link` makes a way in."""
    _staff_only(by)
    email = values.email(email)
    if User.objects.filter(email=email).exists():
        raise InvalidInput("is taken", "email")
    with edits.once("email"):
        return User.objects.create_user(email, name=_name(name), is_active=is_active, is_staff=is_staff)


def change_user(user: User, *, name: str, is_active: bool, is_staff: bool, by: Actor) -> list[str]:
    """Change what differs; returns the names of the fields. One who is switched off is signed out everywhere."""
    _staff_only(by)
    # Of somebody who is switched off nobody finds the tenants any more.
    tenants = [member.tenant_id for member in memberships(user.pk)]
    with transaction.atomic():
        changed = edits.apply(user, name=_name(name), is_active=is_active, is_staff=is_staff)
        if "is_active" in changed and not is_active:
            _end_sessions(user)
        tenants = tenants or [member.tenant_id for member in memberships(user.pk)]
        for tenant in tenants if changed else []:
            with tenant_scope(tenant):
                audit.record("member.changed_by_staff", by=by, kind="member", code=user.email, **_told(user, changed))
    return changed


def _end_sessions(user: User) -> None:
    """For good: switched on again, the user signs in anew."""
    User.objects.filter(pk=user.pk).update(session_round=F("session_round") + 1)
    SignInLink.objects.filter(user=user, used_at=None).delete()
    feed.access_changed(user.pk)


def _told(user: User, changed: list[str]) -> dict[str, Any]:
    flags = {name: getattr(user, name) for name in changed if name != "name"}
    return {"fields": changed, **flags}


def _name(name: str) -> str:
    return values.text(name.strip(), most=NAME_LIMIT, blank=True)


def _staff_only(by: Actor) -> None:
    if by.user_id is not None:
        raise NotAllowed("only platform staff keep the list of users")
