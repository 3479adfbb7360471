"""How long to wait before the next try. Pure: the draw is an argument."""

from __future__ import annotations

REDIAL_S = (0.25, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Pauses before redials of a sideband that closed; the last one repeats. Even the first is one: what closed one socket
may have closed those of all calls, and a take-over dials hundreds at a time."""
REDIAL_BUDGET_S = 60.0
"""A sideband that could not be opened again for so long is given up."""
SETUP_S = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Pauses while an accepted leg is being set up: dials answer 404 until it is. A caller waits: the first is none."""
SETUP_BUDGET_S = 20.0
STABLE_S = 10.0
"""Reading for so long resets the count of redials: one event per connection must not."""


def delay(pauses: tuple[float, ...], attempt: int, draw: float) -> float:
    """Seconds before try `attempt` (from 0); `draw` in [0, 1) spreads it by ±25 %, the first from nothing to double.

    Those that begin in the same moment must not arrive in the same moment; afterwards they are apart already.
    """
    pause = pauses[min(attempt, len(pauses) - 1)]
    return pause * (2 * draw if attempt == 0 else 0.75 + draw / 2)
