"""Where the memory of a live call is: what a worker allocated since there was no call, by the line that asked for it.

`python -m benchmarks heap`; `CALLS=500` for another number of calls. Only what Python allocates is seen (tracemalloc,
which the workers start with and which makes them slower and larger: no figure of a table is from here).
"""

from __future__ import annotations

import os
import signal
import time
import tracemalloc
from pathlib import Path

from benchmarks import load
from benchmarks.options import LEVELS
from benchmarks.path import FULL, WARM_CALLS
from benchmarks.table import Row
from realtime_ops import env
from tests.rig import machine
from tests.rig.machine import Plan
from tests.rig.waiting import wait_until

SHOWN = 24
WRITE_LIMIT_S = 60.0
HOOK = """\
import os, signal, sys, tracemalloc
def dump(*_):
    path = os.environ["HEAP"] + f"/{os.getpid()}"
    tracemalloc.take_snapshot().dump(path + ".new")
    os.rename(path + ".new", path)
if "sideband" in sys.orig_argv:
    tracemalloc.start()
    signal.signal(signal.SIGUSR2, dump)
"""
"""What the workers of the rig do as they start (`sitecustomize`)"""


def rows(directory: Path) -> list[Row]:
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(HOOK)
    environment = {"PYTHONPATH": str(directory), "HEAP": str(directory)}
    with machine.rig(directory / "rig", Plan(tenants=("acme",), environment=environment)) as rig:
        with load.source(rig, "warm") as warm:
            warm.bring(WARM_CALLS)
        before = _snapshot(directory, rig.workers[0].pid)
        with load.source(rig, "heap") as source:
            source.bring(FULL if FULL in LEVELS else LEVELS[-1])
            time.sleep(load.WARM_S)
            [[calls]] = rig.rows("select calls from calls_worker where pid = %s", rig.workers[0].pid)
            after = _snapshot(directory, rig.workers[0].pid)
    found = after.compare_to(before, "lineno")
    each = [Row(_line(one.traceback[0]), one.size_diff / calls / 1024, "KiB") for one in found[:SHOWN]]
    whole = sum(one.size_diff for one in found) / calls / 1024
    return [Row(f"allocated by Python for a call, {calls} in this worker", whole, "KiB"), *each]


def _snapshot(directory: Path, pid: int) -> tracemalloc.Snapshot:
    path = directory / str(pid)
    os.kill(pid, signal.SIGUSR2)
    wait_until(path.exists, WRITE_LIMIT_S, "the worker's heap")
    found = tracemalloc.Snapshot.load(str(path))
    path.unlink()
    return found


def _line(frame: tracemalloc.Frame) -> str:
    path = frame.filename.replace(f"{env.BASE_DIR}/", "").partition("site-packages/")
    return f"  {path[2] or path[0]}:{frame.lineno}"
