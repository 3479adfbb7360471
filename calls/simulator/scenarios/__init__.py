"""Scripted calls by name, and the mix of them that makes a natural demo.

A new scenario is one function and one line in `behaviours.py`.
"""

from __future__ import annotations

from random import Random

from calls.simulator.scenarios import behaviours
from calls.simulator.script import Scenario

MIX = "mix"
TROUBLES = tuple(scenario.name for scenario in behaviours.TROUBLES)
BY_NAME = {scenario.name: scenario for scenario in behaviours.EVERY}


def chosen(name: str, dice: Random) -> Scenario | None:
    """The scenario of that name, or one drawn by weight for "mix"."""
    if name == MIX:
        every = behaviours.EVERY
        return dice.choices(every, weights=[scenario.weight for scenario in every])[0]
    return BY_NAME.get(name)
