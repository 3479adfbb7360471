"""Asks people into the tenant in scope by a link that works once and for a week. No mail is sent, no token kept.

A token names its tenant, as a webhook address does, so that the scope is open before anything is looked up.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone

from calls.actions import audit, edits, members
from calls.domain import values
from calls.domain.actors import Actor
from calls.domain.roles import Capability
from calls.exceptions import InvalidInput, NotFound
from calls.models import Invitation, Membership, User

VALID = timedelta(days=7)
OPEN_LIMIT = 200
"""Invitations of a tenant that may be open at once"""
NAME_LIMIT = 120
_TENANT_DIGITS = 32
_TOKEN = re.compile(r"[0-9a-f]{64}")


def invite(email: str, role: str, *, by: Actor) -> tuple[Invitation, str]:
    """The invitation and the token of its link. A new one to the same address ends the one before."""
    by.require(Capability.MANAGE)
    email = edits.checked("email", values.email, email)
    role = edits.checked("role", values.role, role)
    members.owners_only(role, by)
    tenant = edits.tenant_in_scope()
    if Membership.objects.filter(user__email=email, tenant_id=tenant).exists():
        raise InvalidInput("is a member already", "email")
    Invitation.objects.filter(expires_at__lt=timezone.now()).delete()
    if Invitation.objects.exclude(email=email).count() >= OPEN_LIMIT:
        raise InvalidInput(f"at most {OPEN_LIMIT} invitations can be open at once; withdraw some", "email")

    token = tenant.hex + secrets.token_hex(16)
    fields = {
        "role": role,
        "digest": _digest(token),
        "invited_by_id": by.user_id,
        "expires_at": timezone.now() + VALID,
    }
    invitation, _ = Invitation.objects.update_or_create(email=email, defaults=fields)

    audit.record("member.invited", by=by, kind="member", code=email, role=role)
    return invitation, token


def withdraw(invitation: Invitation, *, by: Actor) -> None:
    """The link stops working."""
    by.require(Capability.MANAGE)
    members.owners_only(invitation.role, by)
    email = invitation.email
    invitation.delete()

    audit.record("member.invitation_withdrawn", by=by, kind="member", code=email)


def tenant_of(token: str) -> UUID:
    """The tenant that a token names; whether there is such an invitation is for `found` to say. Raises NotFound."""
    if not _TOKEN.fullmatch(token):
        raise NotFound("invitation")
    return UUID(token[:_TENANT_DIGITS])


def found(token: str) -> Invitation:
    """The open invitation of a token, in the scope of its tenant, locked. Raises NotFound for any other."""
    digest = _digest(token)
    for invitation in Invitation.objects.select_for_update().filter(digest=digest, expires_at__gte=timezone.now()):
        if hmac.compare_digest(invitation.digest, digest):
            return invitation
    raise NotFound("invitation")


def accept(token: str, user: User) -> Membership:
    """Put a signed-in user into the tenant; the link is spent. Raises InvalidInput for somebody else's invitation."""
    invitation = found(token)
    if user.email != invitation.email:
        raise InvalidInput("this invitation is for another address", "email")
    return _join(invitation, user)


def accept_as_new(token: str, *, name: str, password: str) -> User:
    """Make the invited person a user with a password of their own and put them into the tenant."""
    invitation = found(token)
    if User.objects.filter(email=invitation.email).exists():
        raise InvalidInput("has an account already: sign in to join", "email")
    edits.checked("name", values.name, name, most=NAME_LIMIT)
    edits.checked("password", values.text, password, most=values.SECRET_LIMIT)
    try:
        validate_password(password, User(email=invitation.email, name=name))
    except ValidationError as error:
        raise InvalidInput(" ".join(error.messages), "password") from None

    with edits.once("email", "has an account already: sign in to join"):
        user = User.objects.create_user(invitation.email, password, name=name)
    _join(invitation, user)
    return user


def _join(invitation: Invitation, user: User) -> Membership:
    if Membership.objects.filter(user=user, tenant_id=invitation.tenant_id).exists():
        raise InvalidInput("is a member already", "email")
    membership = Membership.objects.create(user=user, tenant_id=invitation.tenant_id, role=invitation.role)
    actor = Actor(user.pk, user.email, invitation.role)
    invitation.delete()

    audit.record("member.joined", by=actor, kind="member", code=user.email, role=membership.role)
    return membership


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
