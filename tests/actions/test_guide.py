"""Notes of a newcomer's visits."""

from __future__ import annotations

import pytest

from calls.actions import guide
from calls.domain.guide import Deed
from calls.exceptions import InvalidInput
from calls.models import User
from tests import factories

pytestmark = pytest.mark.django_db


def test_the_first_visit_is_kept():
    user = factories.make_user(guide={})
    guide.note(user, Deed.OPENED_LIVE)
    first = User.objects.get(pk=user.pk).guide
    guide.note(user, Deed.OPENED_LIVE)
    guide.dismiss(user)
    kept = User.objects.get(pk=user.pk).guide
    assert kept.keys() == {"opened_live", "dismissed"}
    assert kept["opened_live"] == first["opened_live"]
    assert user.guide == kept


def test_two_pages_at_once_lose_no_note():
    user = factories.make_user(guide={})
    other = User.objects.get(pk=user.pk)
    guide.note(user, Deed.OPENED_LIVE)
    guide.note(other, Deed.OPENED_PAST)
    assert User.objects.get(pk=user.pk).guide.keys() == {"opened_live", "opened_past"}


def test_what_is_on_record_elsewhere_is_not_noted():
    with pytest.raises(InvalidInput):
        guide.note(factories.make_user(), Deed.HELPED)
