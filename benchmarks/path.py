"""An event on its whole way, at several numbers of calls: CPU, latency, memory of a call, bytes that it leaves behind.

Alone: `python -m benchmarks path`, or with other numbers `CALLS=1000 python -m benchmarks path`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import bare, load, memory, stored
from benchmarks.certificate import Certificate
from benchmarks.load import Load, Stretch
from benchmarks.options import IDLE_S, LEVELS, QUICK
from benchmarks.table import Row, percentile
from tests.rig.machine import Rig

STRETCHES, STRETCH_S = 1 if QUICK else 3, IDLE_S
FLOOR_S = 3.0
"""Of every stretch, replayed to the bare receiver"""
WARM_CALLS = 10
FULL = 1_000
"""Calls at which the targets are set"""
RATIO, FLAT = 5.0, 1.25
P50_MS, P99_MS = 70.0, 200.0
CALL_KIB, CALL_TLS_KIB = 60.0, 130.0


def rows(directory: Path) -> list[Row]:
    with load.product(directory) as rig:
        at_rest, idle = _warmed(rig)
        found = [row for count in LEVELS for row in _level(rig, count, idle, at_rest)]
        cores = sum(idle.cpu_s.values()) / idle.seconds
        found.append(Row("idle, all processes, 5 screens", cores * 1e3, "m/s"))
        for line in rig.problems():
            print(f"LOGGED: {line}")
    return [*found, *_flat(found)]


def tls_rows(directory: Path) -> list[Row]:
    """The same at FULL calls over TLS, whose certificate the workers check."""
    directory.mkdir()
    certificate = Certificate.made(directory)
    with load.product(directory, **certificate.environment) as rig:
        at_rest, idle = _warmed(rig)
        address = f"https://{Certificate.HOST}:{rig.provider.port}/v1"
        rig.rows("update calls_provideraccount set base_url = %s returning id", address)
        with load.source(rig, "tls", tls=certificate) as source:
            source.bring(FULL)
            found = [load.stretch(rig, STRETCH_S, source) for _ in range(STRETCHES)]
            grown, live = memory.used(rig), int(source.ask("state")["attached"])
    at = f", TLS, {FULL:,} calls"
    call = (grown["workers"] - at_rest["workers"]) / live / 1024
    return [
        *_cpu(source, found, idle, at, RATIO, certificate),
        Row(f"memory of a live call, workers{at}", call, "KiB", target=CALL_TLS_KIB),
    ]


def _warmed(rig: Rig) -> tuple[Mapping[str, int], Stretch]:
    """Memory before there was any call, and what everything costs without calls, after the first ones."""
    at_rest = memory.used(rig)
    with load.source(rig, "warm") as warm:
        warm.bring(WARM_CALLS)
    return at_rest, load.stretch(rig, IDLE_S)


def _level(rig: Rig, count: int, idle: Stretch, at_rest: Mapping[str, int]) -> list[Row]:
    books = stored.books(rig)
    with load.source(rig, str(count)) as source:
        source.bring(count)
        found = [load.stretch(rig, STRETCH_S, source) for _ in range(STRETCHES)]
        grown, live = memory.used(rig), int(source.ask("state")["attached"])
    kept = stored.per_call_minute(rig, books, source)
    at = f", {count:,} calls"
    full = count == FULL
    waits, lost = source.sent.accepts()
    call = (grown["workers"] - at_rest["workers"]) / live / 1024
    return [
        *_cpu(source, found, idle, at, RATIO if full else None),
        *_latency(source, found, at, full=full),
        Row(f"webhook to accept, p95, coming at {load.ARRIVALS_PER_S:g}/s{at}", percentile(waits, 95) * 1e3, "ms"),
        Row(f"callers who gave up{at}", lost, ""),
        Row(f"memory of a live call, workers{at}", call, "KiB", target=CALL_KIB if full else None),
        Row(f"  web, of all calls{at}", (grown["web"] - at_rest["web"]) / 2**20, "MiB"),
        *(kept if full else ()),
    ]


def _cpu(
    source: Load,
    found: Sequence[Stretch],
    idle: Stretch,
    at: str,
    most: float | None,
    certificate: Certificate | None = None,
) -> list[Row]:
    costs = [load.per_event(one, idle) for one in found]
    floors = [bare.cost(source.sent.frames(one.since, one.since + FLOOR_S), certificate) for one in found]
    late = [sorted(us for *_, us in source.sent.records(one.since, one.until)) for one in found]
    whole = [sum(cost.values()) for cost in costs]
    print(f"{at[2:]}, each stretch: {', '.join(f'{each:.1f}' for each in whole)} µs;"
          f" bare receiver {', '.join(f'{each:.1f}' for each in floors)} µs")  # fmt: skip
    return [
        Row(f"whole path{at}", statistics.median(whole), "µs", statistics.median(floors), most=most),
        *(Row(f"  {part}{at}", statistics.median(cost[part] for cost in costs), "µs") for part in costs[0]),
        Row(f"  events of the source{at}", statistics.median(one.events / one.seconds for one in found), "/s"),
        Row(f"  that it sent too late, p99{at}", statistics.median(percentile(one, 99) for one in late) / 1e3, "ms"),
    ]


def _flat(found: Sequence[Row]) -> list[Row]:
    """Whether an event costs the same at every number of calls; and, apart from that, whether it costs more of many."""
    costs = [row.value for count in LEVELS for row in found if row.name == f"whole path, {count:,} calls"]
    if len(costs) == 1:
        return []
    span = f"{min(LEVELS):,} to {max(LEVELS):,} calls"
    return [
        Row(f"flat: the dearest over the cheapest, {span}", max(costs), "µs", min(costs), most=FLAT),
        Row(f"  the most calls over the fewest, {span}", costs[-1], "µs", costs[0]),
    ]


def _latency(source: Load, found: Sequence[Stretch], at: str, *, full: bool) -> list[Row]:
    timed = [load.delays(one, source) for one in found]
    seen = [sorted(delay for delay in one if delay != math.inf) for one in timed]
    count, arrived = sum(map(len, timed)), sum(map(len, seen))
    screens = [screen for one in found for screen in one.screens]
    size = statistics.mean(screen.size for screen in screens) / (found[0].seconds + load.WARM_S)
    return [
        *(
            Row(
                f"event to screen, p{n}{at}",
                statistics.median(percentile(one, n) for one in seen) * 1e3,
                "ms",
                target=most if full else None,
            )
            for n, most in ((50, P50_MS), (99, P99_MS))
        ),
        Row(f"words that no screen ever had{at}", (count - arrived) / max(count, 1) * 1e3, "‰"),
        Row(f"to each screen{at}", size / 1e3, "kB/s"),
    ]
