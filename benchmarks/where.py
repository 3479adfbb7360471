"""Where the time of a loaded product goes, by py-spy: shares of the time in which a worker and web run Python, by who
asked for it. System calls (a sixth of a worker's time, by perf) are not in it.

`python -m benchmarks where`, with py-spy on the PATH (it is no dependency) and the right to look into processes.
`CALLS=500` for another number of calls. Sampling slows a process down by a few per cent: no figure of a table is from
here. `make bench` does it last when the cost of an event misses its target.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import load
from benchmarks.options import LEVELS
from benchmarks.path import FULL
from benchmarks.table import Row

SECONDS = 12
OPENING_S = load.WARM_S + 2
"""The first snapshots of the screens are another matter"""
OPTIONS = f"record --gil -r 250 -f raw -d {SECONDS}"
"""Only who holds the interpreter is looked at: else half of the samples find the loop on its way to or from a system
call and blame it for all that it does"""
SHOWN = 16
LOOP = "sideband/loop.py"
"""Everything is beneath it"""
LIBRARIES = {
    "websockets": "websockets",
    "psycopg": "psycopg",
    "redis": "redis-py",
    "channels_redis": "channels_redis",
    "asyncio": "asyncio",
    "autobahn": "autobahn",
    "twisted": "twisted",
    "daphne": "daphne",
    "django": "django",
}


READING = "reading, all of it"
GROUPS: Mapping[str, Sequence[str]] = {
    "storing": ("calls/actions/", "calls/tenancy", "calls/lending", "calls/models/", "calls/sideband/database"),
    "  the session: turns, floor, signs, words": ("calls/domain/",),
    "  decoding a frame and checking its fields": ("calls/providers/",),
    "  finding frames in bytes": ("calls/sideband/line.py", "calls/sideband/connection.py"),
    "  carrying out its steps": tuple(
        f"calls/sideband/{name}.py" for name in ("runner", "step", "hints", "writer", "backlog", "outbox", "audience")
    ),
}
"""What a worker does, by the module that its innermost function of the product is in; the first one that fits"""
OTHERS = "announcing, pinging, all others"


def rows(directory: Path) -> list[Row]:
    spy = shutil.which("py-spy")
    if spy is None:
        print("no py-spy on the PATH: nothing is profiled. `python -m benchmarks where` does it later")
        return []
    with load.product(directory) as rig:
        pids = {"worker": rig.workers[0].pid, "web": rig.web.pid}
        with load.source(rig, "where") as source:
            source.bring(FULL if FULL in LEVELS else LEVELS[-1])
            outputs = {name: directory / f"{name}.stacks" for name in pids}
            spies = [
                subprocess.Popen(
                    ["sh", "-c", f"sleep {OPENING_S}; exec {spy} {OPTIONS} -p {pid} -o {outputs[name]}"],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                for name, pid in pids.items()
            ]
            load.stretch(rig, SECONDS + OPENING_S, source)
            for one in spies:
                one.wait(SECONDS * 4)
        found = {name: counted(path.read_text()) for name, path in outputs.items()}
    return [*groups("worker", found["worker"]), *(row for name, one in found.items() for row in _shares(name, one))]


def counted(stacks: str) -> Counter[str]:
    """Samples by the innermost function of the product in their stack, and the library that it was in beneath it."""
    found: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        found[_blamed(stack.split(";"))] += int(count)
    return found


def groups(name: str, counted: Counter[str]) -> list[Row]:
    """All samples by what was done; those that are not indented sum to 100 %."""
    found: Counter[str] = Counter()
    for who, count in counted.items():
        found[next((group for group, places in GROUPS.items() if who.startswith(tuple(places))), OTHERS)] += count
    parts = sorted((group for group in GROUPS if group.startswith(" ")), key=lambda group: -found[group])
    found[READING] = sum(found[group] for group in parts)
    total = sum(counted.values())
    ordered = (READING, *parts, *(group for group in GROUPS if group not in parts), OTHERS)
    return [Row(f"{name}: {group}", found[group] / total * 100, "%") for group in ordered]


def _shares(name: str, counted: Counter[str]) -> list[Row]:
    total = sum(counted.values())
    shares = [Row(f"{name}: {who}", count / total * 100, "%") for who, count in counted.most_common(SHOWN)]
    return [*shares, Row(f"{name}: the rest", 100 - sum(row.value for row in shares), "%")]


def _blamed(frames: list[str]) -> str:
    ours = next((n for n in range(len(frames) - 1, -1, -1) if "(calls/" in frames[n] and LOOP not in frames[n]), -1)
    named = (said for each in reversed(frames[ours + 1 :]) for part, said in LIBRARIES.items() if f"{part}/" in each)
    library = next(named, "")
    if ours < 0:
        innermost = frames[-1].partition(" (")[0]
        return f"{library} {innermost}".strip()
    function, _, place = frames[ours].partition(" (")
    return f"{place.partition(':')[0].removesuffix(')')} {function}" + (f" > {library}" if library else "")
