"""Who may: members by their role, the system always."""

import pytest

from calls.domain.actors import SYSTEM, Actor
from calls.domain.roles import Capability, Role
from calls.exceptions import NotAllowed


def test_the_system_may_do_everything():
    assert all(SYSTEM.may(capability) for capability in Capability)


@pytest.mark.parametrize("role", [*Role, "", "janitor"])
def test_a_member_may_what_the_role_allows_and_is_told_what_is_missing(role):
    actor = Actor(7, "ana@acme.example", role)
    for capability in Capability:
        if actor.may(capability):
            actor.require(capability)
        else:
            with pytest.raises(NotAllowed) as refusal:
                actor.require(capability)
            assert refusal.value.reason == capability.value


def test_a_role_that_does_not_exist_may_nothing():
    assert not any(Actor(7, "x@acme.example", "janitor").may(capability) for capability in Capability)
