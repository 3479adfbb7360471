"""How many sockets are let in: by person, by tenant, and while there are descriptors."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from calls import resources
from calls.live import doors
from calls.live.access import TOO_MANY, Refused
from calls.live.doors import Doors

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(sam):
    from calls.selectors.members import member_of

    return member_of(sam.user.pk, sam.tenant.slug)


def other(member):
    return replace(member, actor=replace(member.actor, user_id=(member.actor.user_id or 0) + 1))


def bounds(settings, **of):
    settings.CALLS = {**settings.CALLS, **of}


def test_one_too_many_of_a_person_is_turned_away_and_nobody_else(member, settings):
    bounds(settings, sockets_per_user=2)
    one = Doors()
    one.enter(member)
    one.enter(member)
    with pytest.raises(Refused) as refused:
        one.enter(member)
    assert refused.value.code == TOO_MANY
    one.enter(other(member))
    one.leave(member)
    one.enter(member)
    assert one.sockets == 3


def test_one_too_many_of_a_tenant_is_turned_away_and_no_other_tenant(member, settings):
    bounds(settings, sockets_per_tenant=1)
    one = Doors()
    one.enter(member)
    with pytest.raises(Refused):
        one.enter(other(member))
    one.enter(replace(member, tenant_id=uuid4()))


def test_without_descriptors_nobody_comes_in(member, monkeypatch):
    monkeypatch.setattr(resources, "descriptors_left", lambda: 0)
    with pytest.raises(Refused):
        Doors().enter(member)


def test_who_left_leaves_nothing_behind(member):
    one = Doors()
    one.enter(member)
    one.leave(member)
    assert (one.sockets, len(one._of_user), len(one._of_tenant)) == (0, 0, 0)
    assert doors.counters().keys() >= {"sockets", "turned_away", "hints_left_out", "readers_closed"}
