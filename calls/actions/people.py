"""What a person changes of their own: how the console looks to them, and where they are signed in. No tenant's."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F

from calls import feed
from calls.actions import audit
from calls.domain.actors import Actor
from calls.models import User
from calls.selectors.members import memberships
from calls.tenancy import tenant_scope

PREFERENCES = ("theme", "density", "letter_keys")


def prefer(user: User, **chosen: Any) -> None:
    """Keep preferences, each valid by the caller's form. Leaves no audit entry: they change nobody else's anything."""
    unknown = chosen.keys() - set(PREFERENCES)
    if unknown:
        raise TypeError(f"no preferences: {', '.join(sorted(unknown))}")
    User.objects.filter(pk=user.pk).update(**chosen)


def sign_out_everywhere(user: User) -> None:
    """End every session of the user, the asking one too; their open pages are told at once.

    Each of their tenants keeps an entry: it was a session there that ended.
    """
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(session_round=F("session_round") + 1)
        for member in memberships(user.pk):
            by = Actor(user.pk, user.email, member.actor.role)
            with tenant_scope(member.tenant_id):
                audit.record("member.signed_out_everywhere", by=by, kind="member", code=user.email)
        feed.access_changed(user.pk)
