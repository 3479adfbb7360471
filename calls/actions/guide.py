"""Notes on the way of a newcomer: which pages they have opened, and that they want no guide. Their own, not audited."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from calls.domain.guide import DISMISSED, VISITS, Deed
from calls.exceptions import InvalidInput
from calls.models import User


def note(user: User, deed: Deed) -> None:
    """Remember the first visit to a page."""
    if deed not in VISITS:
        raise InvalidInput("is on record elsewhere", "deed")
    _put(user, deed.value)


def dismiss(user: User) -> None:
    """Show the guide no more."""
    _put(user, DISMISSED)


def _put(user: User, name: str) -> None:
    with transaction.atomic():
        # Two pages that open at the same time must not lose each other's note.
        kept = User.objects.select_for_update().only("guide").get(pk=user.pk).guide
        if name not in kept:
            kept[name] = timezone.now().isoformat(timespec="seconds")
            User.objects.filter(pk=user.pk).update(guide=kept)
    user.guide = kept
