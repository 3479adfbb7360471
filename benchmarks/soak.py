"""`make soak`: half an hour of calls that come and go while parts of the product break, and what that leaves behind.

One worker is killed or stopped and started again, Redis is started anew, sockets are cut, browsers come and go. The
other worker and the web process live through all of it: their memory must stay flat, and nothing of a call may stay
with them. Memory is compared between the second fifth of the time and the last one, and what stays open with a moment
after a first round of the same faults. Every look at them goes to build/soak.jsonl at once, logs to build/soak-logs at
the end. `SOAK=5 make soak` for five minutes. The jobs worker is looked at with its children, which do its work.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import uvloop
from websockets.exceptions import InvalidHandshake

from benchmarks import load, table
from benchmarks.load import Load
from benchmarks.screens import Screen
from benchmarks.table import Row
from realtime_ops import env
from tests.rig.handles import Handle
from tests.rig.machine import Rig
from tests.rig.waiting import wait_until

MINUTES = env.number("SOAK", 30, least=1)
CALLS, LASTS_S = 300, 90.0
"""At once, and how long each talks at most"""
FAULT_EVERY_S = 15.0
LOOK_EVERY_S = 5.0
VISIT_S = 20.0
"""Longest time that a browser stays"""
DOWN_S = 2.0
SETTLE_S = 45.0
"""From the last call to the count of what is left: pools and idle connections have gone back by then"""
DRIFT_PERCENT = 5.0
EXPECTED = ("Redis", "redis", "database is away", "lease", "Connection", "broker", "503", "Service Unavailable")


@dataclass(frozen=True)
class Look:
    """One process at one moment, with its children."""

    memory: int
    """Bytes that belong to them alone"""
    descriptors: int
    sidebands: int
    """Connections that the provider has closed and the process has not"""
    threads: int
    connections: dict[str, int]
    """By the other end's port, or `unix`"""

    @classmethod
    def at(cls, pid: int, provider: int) -> Look:
        root = psutil.Process(pid)
        tree = [root, *root.children(recursive=True)]
        found = [one for process in tree for one in process.net_connections("tcp") if one.raddr]
        tcp = [(one.raddr.port, one.status) for one in found]
        unix = sum(len(process.net_connections("unix")) for process in tree)
        return cls(
            sum(process.memory_full_info().uss for process in tree),
            sum(process.num_fds() for process in tree),
            tcp.count((provider, psutil.CONN_CLOSE_WAIT)),
            sum(process.num_threads() for process in tree),
            dict(Counter(str(port) for port, _ in tcp)) | {"unix": unix},
        )


class Notes:
    """All looks at the processes that live through it, also in a file as they are taken.

    A process that has ended is looked at no more.
    """

    def __init__(self, rig: Rig, steady: dict[str, Handle], path: Path) -> None:
        self.under_load: dict[str, list[Look]] = {name: [] for name in steady}
        self._rig = rig
        self._steady = steady
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")

    def look(self, moment: str) -> dict[str, Look]:
        found = {
            name: Look.at(handle.pid, self._rig.provider.port) for name, handle in self._steady.items() if handle.alive
        }
        with self._path.open("a") as file:
            for name, one in found.items():
                file.write(json.dumps({"at": time.time(), "moment": moment, "process": name} | asdict(one)) + "\n")
        return found

    def look_under_load(self) -> None:
        for name, one in self.look("load").items():
            self.under_load[name].append(one)

    def fault(self, name: str) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps({"at": time.time(), "fault": name}) + "\n")


def main() -> None:
    os.environ.pop("DATABASE_URL", None)
    directory, build = Path(tempfile.mkdtemp(prefix="ro-soak-")), env.BASE_DIR / "build"
    try:
        found = rows(directory, build / "soak.jsonl")
    finally:
        with suppress(FileNotFoundError):
            shutil.copytree(directory / "logs", build / "soak-logs", dirs_exist_ok=True)
        shutil.rmtree(directory, ignore_errors=True)
    print(f"\n{table.printed(found)}")
    table.write(found, build / "soak.json")


def rows(directory: Path, notes_at: Path) -> list[Row]:
    with load.product(directory) as rig:
        steady = {"worker": rig.workers[1], "web": rig.web, "jobs": rig.handles["jobs"]}
        notes = Notes(rig, steady, notes_at)
        with load.source(rig, "soak", counted=True) as source:
            with _browsers(rig):
                source.bring(CALLS, lasts=LASTS_S)
                for fault in FAULTS.values():
                    fault(rig, source)
                    time.sleep(FAULT_EVERY_S)
            first = _at_rest(rig, source, notes)
            with _browsers(rig):
                source.bring(CALLS, lasts=LASTS_S)
                faults = _broken(rig, source, notes)
            last = _at_rest(rig, source, notes)
            open_calls = load.unfinished(rig)
        attended = rig.rows("select coalesce(sum(calls), 0) from calls_worker")[0][0]
        total = len(source.sent.played())
        for line in rig.problems():
            print(f"LOGGED: {line}")
    print(
        f"{MINUTES} minutes, {total} calls, {CALLS} at once; "
        + ", ".join(f"{n} x {name}" for name, n in faults.items())
    )
    return [
        *(row for name, seen in notes.under_load.items() for row in _kept(name, seen, first.get(name), last.get(name))),
        Row("calls that never ended", open_calls, "", target=0),
        Row("calls still attended", float(attended), "", target=0),
    ]


def _at_rest(rig: Rig, source: Load, notes: Notes) -> dict[str, Look]:
    """All calls over, or as many as end within the limit, and SETTLE_S later."""
    source.ask("end")
    load.finish(rig)
    time.sleep(SETTLE_S)
    return notes.look("rest")


def _kept(name: str, seen: Sequence[Look], first: Look | None, last: Look | None) -> list[Row]:
    """Of a process; without looks at rest it did not live to the end."""
    ended = Row(f"{name}: ended before its time", float(last is None), "", target=0)
    if first is None or last is None:
        return [ended]
    fifth = max(1, len(seen) // 5)
    early = statistics.median(one.memory for one in seen[fifth : 2 * fifth] or seen)
    late = statistics.median(one.memory for one in seen[-fifth:])
    return [
        ended,
        Row(f"{name}: memory under load", late / 2**20, "MiB", early / 2**20),
        Row(f"{name}: drift of it", (late / early - 1) * 100, "%", target=DRIFT_PERCENT),
        Row(f"{name}: memory at rest, before and after", last.memory / 2**20, "MiB", first.memory / 2**20),
        *([Row(f"{name}: sidebands left", last.sidebands, "", target=0)] if name != "jobs" else []),
        Row(f"{name}: descriptors more than before", last.descriptors - first.descriptors, "", target=0),
        Row(f"{name}: threads more than before", last.threads - first.threads, "", target=0),
    ]


def _broken(rig: Rig, source: Load, notes: Notes) -> Counter[str]:
    """Break something now and then, and look at the steady processes in between."""
    dice, over = random.Random(4), time.monotonic() + MINUTES * 60
    done: Counter[str] = Counter()
    fault_at = time.monotonic() + FAULT_EVERY_S
    while (now := time.monotonic()) < over:
        if now >= fault_at:
            name = dice.choice(list(FAULTS))
            notes.fault(name)
            FAULTS[name](rig, source)
            done[name] += 1
            fault_at = time.monotonic() + FAULT_EVERY_S
        notes.look_under_load()
        time.sleep(LOOK_EVERY_S)
    wait_until(rig.ready, 60, "readiness after the last fault")
    rig.forgive(*EXPECTED)
    return done


def _kill(rig: Rig, source: Load) -> None:
    rig.workers[0].kill()
    time.sleep(DOWN_S)
    rig.workers[0].start()


def _stop(rig: Rig, source: Load) -> None:
    rig.workers[0].stop()
    rig.workers[0].start()


def _restart_redis(rig: Rig, source: Load) -> None:
    rig.redis.kill()
    time.sleep(DOWN_S)
    rig.redis.start()


def _cut(rig: Rig, source: Load) -> None:
    source.ask("drop", share=0.2)


FAULTS: dict[str, Callable[[Rig, Load], None]] = {
    "worker killed": _kill,
    "worker stopped": _stop,
    "Redis started anew": _restart_redis,
    "sockets cut": _cut,
}


@contextmanager
def _browsers(rig: Rig) -> Iterator[None]:
    """Some at a time, each for a while."""
    over = threading.Event()
    person = rig.person("supervisor")

    async def visits(number: int) -> None:
        dice = random.Random(number)
        while not over.is_set():
            with suppress(OSError, InvalidHandshake, TimeoutError):
                async with asyncio.timeout(dice.uniform(1, VISIT_S)):
                    await Screen(person, "acme").listen((), asyncio.Event())
            await asyncio.sleep(dice.uniform(0, 1))

    async def all_visits() -> None:
        await asyncio.gather(*(visits(n) for n in range(load.SCREENS)))

    thread = threading.Thread(target=lambda: uvloop.run(all_visits()), name="browsers")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(2 * VISIT_S)


if __name__ == "__main__":
    main()
