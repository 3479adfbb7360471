"""How long a caller hears the ringing: from the delivery of the webhook to the accept that arrives at the provider.

Calls at a steady rate, and all at once. Alone: `python -m benchmarks arrivals`.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import load
from benchmarks.options import QUICK
from benchmarks.table import Row, percentile
from tests.rig.machine import Rig

BURSTS = 1 if QUICK else 3
STEADY, PER_S, BURST = 500, 50.0, 500
WARM_CALLS = 50
P95_MS, BURST_S = 150.0, 10.0


def rows(directory: Path) -> list[Row]:
    with load.product(directory) as rig:
        with load.source(rig, "warm") as warm:
            warm.bring(WARM_CALLS)
        steady = _arrive(rig, "steady", STEADY, PER_S)
        bursts = [_arrive(rig, f"burst-{n}", BURST, None) for n in range(BURSTS)]
    accepted = statistics.median(one.accepts[-1] for one in bursts)
    at, burst = f", {STEADY} calls at {PER_S:g}/s", f", burst of {BURST}"
    return [
        Row(f"webhook answered, p95{at}", percentile(steady.answers, 95) * 1e3, "ms"),
        Row(f"webhook to accept, p50{at}", percentile(steady.accepts, 50) * 1e3, "ms"),
        Row(f"webhook to accept, p95{at}", percentile(steady.accepts, 95) * 1e3, "ms", target=P95_MS),
        Row(f"all accepted{burst}", accepted, "s", target=BURST_S),
        Row("calls never accepted, of all these", sum(one.lost for one in [steady, *bursts]), "", target=0),
    ]


@dataclass(frozen=True)
class Round:
    answers: Sequence[float]
    """Seconds until the answers to the webhooks, in order"""
    accepts: Sequence[float]
    lost: int
    """Calls that were never accepted"""


def _arrive(rig: Rig, name: str, count: int, per_s: float | None) -> Round:
    with load.source(rig, name) as source:
        source.bring(count, per_s=per_s, keep=False)
    accepts, lost = source.sent.accepts()
    return Round(source.sent.answers(), accepts, lost)
