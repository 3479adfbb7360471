"""One product for all journeys: starting it takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.rig import machine
from tests.rig.machine import Plan, Rig

SPEED = 10.0
"""Of calls that only have to happen; a call that is to be steered has its own."""


@pytest.fixture(scope="session")
def shared_rig() -> Iterator[Rig]:
    with machine.rig(settings.STATE_DIR / "rig", Plan(speed=SPEED)) as made:
        yield made


@pytest.fixture
def rig(shared_rig: Rig) -> Iterator[Rig]:
    """The product, whole again after the journey, and with nothing in any log that should not be there."""
    yield shared_rig
    for handle in shared_rig.handles.values():
        if not handle.alive:
            handle.start()
    assert shared_rig.problems() == []
