"""The first steps: four for each role, each with a deed of its own."""

from __future__ import annotations

import pytest

from calls.domain import guide
from calls.domain.roles import Role


@pytest.mark.parametrize("role", Role)
def test_every_role_has_four_steps(role):
    steps = guide.steps(role)
    assert len({step.deed for step in steps}) == 4
    assert not guide.done(role, {step.deed for step in steps[1:]})
    assert guide.done(role, {step.deed for step in steps})


def test_an_unknown_role_has_none():
    assert guide.steps("stranger") == ()
