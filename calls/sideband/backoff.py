"""How long to wait before the next try. Pure: the draw is an argument."""

from __future__ import annotations

REDIAL_S = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Pauses before redials of a sideband that closed; the last one repeats."""
REDIAL_BUDGET_S = 60.0
"""A sideband that could not be opened again for so long is given up."""
SETUP_S = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Pauses while an accepted leg is being set up: dials answer 404 until it is."""
SETUP_BUDGET_S = 20.0
STABLE_S = 10.0
"""Reading for so long resets the count of redials: one event per connection must not."""


def delay(pauses: tuple[float, ...], attempt: int, draw: float) -> float:
    """Seconds before try `attempt` (from 0); `draw` in [0, 1) spreads it by ±25 %."""
    return pauses[min(attempt, len(pauses) - 1)] * (0.75 + draw / 2)
