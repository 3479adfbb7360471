"""Links that sign their user in, once and for a short while: the first visit of a demo, or a lost password.

Made by whoever has a shell on the installation, never by a page. Stores a digest of the token, not the token.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from calls.actions import audit
from calls.domain import values
from calls.domain.actors import Actor
from calls.exceptions import InvalidInput, NotAllowed
from calls.models import SignInLink, User
from calls.selectors.members import memberships
from calls.tenancy import tenant_scope

LONGEST = timedelta(hours=24)
USUAL = timedelta(hours=1)
_TOKEN_BYTES = 32


class Standing(StrEnum):
    """What a token is good for at this moment."""

    GOOD = "good"
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


def make(email: str, *, lasts: timedelta = USUAL, by: Actor) -> str:
    """A token for the user of this address; an earlier one that was not used stops working."""
    if by.user_id is not None:
        raise NotAllowed("only the installation itself makes links to sign in")
    if not timedelta() < lasts <= LONGEST:
        raise InvalidInput(f"up to {LONGEST // timedelta(minutes=1)} minutes", "minutes")
    user = User.objects.filter(email=values.email(email), is_active=True).first()
    if user is None:
        raise InvalidInput("belongs to no active user", "email")

    token = secrets.token_urlsafe(_TOKEN_BYTES)
    now = timezone.now()
    with transaction.atomic():
        SignInLink.objects.filter(user=user, used_at=None).delete()
        SignInLink.objects.create(user=user, digest=_digest(token), expires_at=now + lasts)
        _record("member.sign_in_link_made", user, by)
    return token


def look(token: str) -> tuple[Standing, User | None]:
    """What the token is good for, and for whom. Changes nothing, so a preview of the link costs nothing."""
    link = SignInLink.objects.select_related("user").filter(digest=_digest(token)).first()
    if link is None:
        return Standing.UNKNOWN, None
    if link.used_at is not None:
        return Standing.USED, None
    if link.expires_at <= timezone.now() or not link.user.is_active:
        return Standing.EXPIRED, None
    return Standing.GOOD, link.user


def use(token: str) -> tuple[Standing, User | None]:
    """Use the token up; of several at the same time one gets the user."""
    standing, user = look(token)
    if user is None:
        return standing, None
    with transaction.atomic():
        if not SignInLink.objects.filter(digest=_digest(token), used_at=None).update(used_at=timezone.now()):
            return Standing.USED, None
        _record("member.signed_in_by_link", user, Actor(user.pk, user.email))
    return Standing.GOOD, user


def _digest(token: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(token.encode()).hexdigest()


def _record(verb: str, user: User, by: Actor) -> None:
    """On the record of every tenant that the user may enter."""
    for member in memberships(user.pk):
        with tenant_scope(member.tenant_id):
            audit.record(verb, by=by, kind="member", code=user.email)
