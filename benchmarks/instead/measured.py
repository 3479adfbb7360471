"""Each of the programs beside the product, with as many calls, less what both use without any: what an event costs,
and a call's memory.

The product does all of it at once; its parts that do a program's work, and more, are what the program is compared with.
Alone: `python -m benchmarks instead`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

import psutil

from benchmarks import load, memory
from benchmarks.instead.running import CHILDREN_LIMIT_S, STRETCH_S, STRETCHES, Found, program, watched
from benchmarks.options import IDLE_S
from benchmarks.table import Row
from realtime_ops import services
from tests.rig.machine import Rig
from tests.rig.waiting import wait_until

CALLS = 100
"""Of the product and of every program: what prefork can be given here, and what one process can save by the ORM"""
LIST = "list"
"""benchmarks.instead.project.LIST, which only its own settings can import"""
KIB = 1024


def rows(directory: Path) -> list[Row]:
    with load.product(directory) as rig:
        ours = _ours(rig)
        subprocess.run(
            [sys.executable, "-c", "from benchmarks.instead import project; project.make_table()"],
            env=rig.environment | {"DJANGO_SETTINGS_MODULE": ""},
            check=True,
        )
        prefork, thread, orm = _prefork(rig), _thread(rig), _orm(rig)
        group, listed = _group(rig, "group"), _group(rig, "listed", LIST)
    at = f", {CALLS} calls"
    per_call = prefork.grown / CALLS / KIB
    print(f"a thousand calls in prefork tasks would take {per_call * 1_000 / KIB / KIB:.0f} GiB (extrapolated)")
    receive, store, push = ("workers",), ("workers", "PostgreSQL"), ("workers", "Redis", "web")
    theirs = ("program", "Redis", "web")
    return [
        Row(f"prefork task per call, only receives{at}", prefork.of("program"), "µs", ours.of(*receive)),
        Row(f"  memory of a call{at}", per_call, "KiB", ours.grown / CALLS / KIB),
        Row(f"thread per call, only receives{at}", thread.of("program"), "µs", ours.of(*receive)),
        Row(f"  memory of a call{at}", thread.grown / CALLS / KIB, "KiB", ours.grown / CALLS / KIB),
        Row(f"ORM save per event{at}", orm.of("program", "PostgreSQL"), "µs", ours.of(*store)),
        Row(f"group_send per delta, to screens of the call{at}", group.of(*theirs), "µs", ours.of(*push)),
        Row(f"  and to the screens' lists of all calls, as ours{at}", listed.of(*theirs), "µs", ours.of(*push)),
    ]


def _ours(rig: Rig) -> Found:
    before = memory.used(rig)["workers"]
    with load.source(rig, "warm") as warm:
        warm.bring(10)
    idle = load.stretch(rig, IDLE_S)
    with load.source(rig, "ours") as source:
        source.bring(CALLS)
        costs = [load.per_event(load.stretch(rig, STRETCH_S, source), idle) for _ in range(STRETCHES)]
        grown = memory.used(rig)["workers"] - before
    return Found({part: statistics.median(cost[part] for cost in costs) for part in costs[0]}, grown)


def _prefork(rig: Rig) -> Found:
    """A child per call is there before the calls are: it counts as memory of its call."""
    with program(rig, "prefork", CALLS) as one:
        celery = [sys.executable, "-m", "celery", "-A", "benchmarks.instead.programs", "worker", "-Q", "instead"]
        worker = psutil.Process(one.start([*celery, "-P", "prefork", "-c", str(CALLS), "-l", "WARNING"]).pid)
        wait_until(lambda: len(worker.children()) >= CALLS, CHILDREN_LIMIT_S, f"{CALLS} children of Celery")
        found = one.measured({}, of=worker.pid)
        own = sum(int(child.memory_full_info().uss) for child in worker.children(recursive=True))
    return Found(found.us, own)


def _thread(rig: Rig) -> Found:
    with program(rig, "thread", CALLS) as one:
        return one.measured({})


def _orm(rig: Rig) -> Found:
    def saved() -> int:
        return int(rig.rows("select count(*) from instead_event")[0][0])

    with program(rig, "orm", CALLS) as one:
        return one.measured({"PostgreSQL": load.postmaster(rig)}, done=saved)


def _group(rig: Rig, name: str, *all_follow: str) -> Found:
    with program(rig, name, CALLS) as one:
        port = services.free_port()
        site = [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port)]
        web = one.start([*site, "benchmarks.instead.project:application"])
        with watched(port, one.calls, *all_follow):
            return one.measured({"Redis": rig.redis.pid, "web": web.pid})
