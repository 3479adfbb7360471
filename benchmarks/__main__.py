"""`make bench`: what an event costs on its whole way, and how long people wait for it. QUICK=1 for a short look."""

from __future__ import annotations

import math
import os
import platform
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks import bare, ledger, load, money, pages, search, table, webhooks
from benchmarks.load import Stretch
from benchmarks.table import Row
from realtime_ops import env
from tests.rig import machine
from tests.rig.machine import Plan, Rig

QUICK = env.flag("QUICK")
CALLS = (100, 500)
STRETCHES, STRETCH_S = (1, 8.0) if QUICK else (3, 15.0)
IDLE_S = 4.0 if QUICK else 8.0
DELIVERIES = 60 if QUICK else 200
SETTLE_S = 120.0
TURNS = 50_000 if QUICK else 1_000_000
"""To search in"""
PAST_BILLS = 100_000 if QUICK else 1_000_000

TARGETS = {"whole path, 500 calls": 62.0, "p50, 500 calls": 56.0, "p99, 500 calls": 109.0, "webhook p95": 500.0}
"""For information: prototypes at 1,000 calls on two cores; half a second is what senders of webhooks may expect."""


def main() -> None:
    os.environ.pop("DATABASE_URL", None)  # its processes must be ours to be measured
    directory = Path(tempfile.mkdtemp(prefix="ro-bench-"))
    try:
        with machine.rig(directory, Plan(tenants=("acme",), durable=True)) as rig:
            rows = _measured(rig)
            problems = rig.problems()
        rows += pages.rows(directory / "pages")
        rows += money.rows(directory / "money", PAST_BILLS)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(f"\n{table.printed(rows)}\n\n{_footnotes()}")
    table.write(rows, env.BASE_DIR / "build" / "bench.json")
    for line in problems:
        print(f"LOGGED: {line}")


def _measured(rig: Rig) -> list[Row]:
    accounts = rig.directory / "accounts.json"
    webhooks.answer_times(accounts, 10)  # warm
    answers = sorted(webhooks.answer_times(accounts, DELIVERIES))
    _quiet(rig)
    idle = load.stretch(rig, IDLE_S)
    rows = [row for count in CALLS for row in _under_load(rig, count, idle)]
    rows += [
        Row("webhook answer, median, idle", statistics.median(answers) * 1e3, "ms"),
        Row("webhook answer, p95, idle", _percentile(answers, 95) * 1e3, "ms", target=TARGETS["webhook p95"]),
    ]
    cores = sum(idle.cpu_s.values()) / idle.seconds
    return [*rows, Row("idle, all processes, 5 screens", cores * 1e3, "m/s"), *search.rows(rig, TURNS)]


def _under_load(rig: Rig, count: int, idle: Stretch) -> list[Row]:
    with load.calls(rig, count) as path:
        found = [load.stretch(rig, STRETCH_S) for _ in range(STRETCHES)]
        answers = sorted(webhooks.answer_times(rig.directory / "accounts.json", DELIVERIES // 4))
    _quiet(rig)
    costs = [load.per_event(one, idle) for one in found]
    middle = sorted(found, key=lambda one: sum(one.cpu_s.values()) / one.events)[len(found) // 2]
    floor, connections = bare.cost(ledger.frames(path, middle.since, middle.until), rig.directory)
    timed = [delay for one in found for delay in load.delays(one, path)]
    delays = sorted(delay for delay in timed if delay != math.inf)
    rate = statistics.median(one.events / one.seconds / count for one in found)
    print(f"{count} calls: {rate:.1f} events/s each; {connections} connections replayed; {len(timed)} words timed")
    whole = statistics.median(sum(cost.values()) for cost in costs)
    at = f", {count} calls"
    rows = [Row(f"whole path{at}", whole, "µs", floor, TARGETS.get(f"whole path{at}"))]
    rows += [Row(f"  {part}", statistics.median(cost[part] for cost in costs), "µs") for part in costs[0]]
    rows += [
        Row(f"event to screen, p{n}{at}", _percentile(delays, n) * 1e3, "ms", target=TARGETS.get(f"p{n}{at}"))
        for n in (50, 99)
    ]
    rows.append(Row(f"words that no screen ever had{at}", (len(timed) - len(delays)) / len(timed) * 1e3, "‰"))
    return [*rows, Row(f"webhook answer, p95{at}", _percentile(answers, 95) * 1e3, "ms")]


def _quiet(rig: Rig) -> None:
    """Until nothing is left to do."""
    query = "select 1 from calls_call where ended_at is null limit 1"
    machine.wait_until(lambda: not rig.rows(query), SETTLE_S, "every call to end")


def _percentile(ordered: Sequence[float], percent: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _footnotes() -> str:
    memory = psutil.virtual_memory().total / 2**30
    return "\n".join(
        [
            f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()};"
            f" load of the machine at the end {os.getloadavg()[0]:.1f}.",
            "CPU: user and system time of 2 workers, PostgreSQL (fsync on), Redis and web, less their idle time,",
            f"by the frames of the simulator's ledger; median of {STRETCHES} times {STRETCH_S:g} s, with"
            f" {load.SCREENS} screens on the live page and {load.CALLS_PER_SCREEN} calls each.",
            f"Search: the whole page over HTTP, {len(search.QUESTIONS)} questions, common words to ones never said,",
            f"{search.ROUNDS} times each; baseline: the same page without words to look for.",
            "Baseline of the path: a uvloop process that receives the same frames at the same times and forgets them.",
            "Simulator, replay and screens run on the same cores: their CPU is not counted, but the waiting for",
            "cores that they cause is in every time above.",
        ]
    )


if __name__ == "__main__":
    main()
