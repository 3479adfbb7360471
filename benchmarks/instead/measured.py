"""Each of the programs beside the product, at few calls: what an event costs, and a call's memory.

The product does all of it at once; its parts that do a program's work, and more, are what the program is compared with.
Alone: `python -m benchmarks instead`.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import uvloop
from websockets.asyncio.client import connect

from benchmarks import cpu, load, memory
from benchmarks.load import Load
from benchmarks.options import IDLE_S, QUICK
from benchmarks.table import Row
from realtime_ops import services
from tests.rig import machine
from tests.rig.machine import Plan, Rig
from tests.rig.waiting import wait_until

STRETCHES, STRETCH_S = (1, 6.0) if QUICK else (3, 10.0)
CALLS, PREFORK_CALLS = 100, 20
READY_LIMIT_S = 40.0
WARM_S = 3.0
KIB = 1024


@dataclass(frozen=True)
class Found:
    """What a program used."""

    us: Mapping[str, float]
    """By part of the system, of each event"""
    call_kib: float

    def of(self, *parts: str) -> float:
        return sum(self.us[part] for part in parts)


def rows(directory: Path) -> list[Row]:
    with machine.rig(directory, Plan(tenants=("acme",), durable=True)) as rig:
        ours = _ours(rig)
        Program(rig, "table").make_table()
        prefork, thread = _prefork(rig), _thread(rig)
        orm, group = _orm(rig), _group(rig)
    many, few = f", {CALLS} calls", f", {PREFORK_CALLS} calls"
    print(f"a thousand calls in prefork tasks would take {prefork.call_kib * 1_000 / KIB / KIB:.0f} GiB (extrapolated)")
    workers = ours.of("workers")
    return [
        Row(f"prefork task per call, only receives{few}", prefork.of("program"), "µs", workers),
        Row(f"  memory of a call{few}", prefork.call_kib, "KiB", ours.call_kib),
        Row(f"thread per call, only receives{many}", thread.of("program"), "µs", workers),
        Row(f"  memory of a call{many}", thread.call_kib, "KiB", ours.call_kib),
        Row(f"ORM save per event{many}", orm.of("program", "PostgreSQL"), "µs", ours.of("workers", "PostgreSQL")),
        Row(
            f"group_send per delta, 5 screens{many}",
            group.of("program", "Redis", "web"),
            "µs",
            ours.of("workers", "Redis", "web"),
        ),
    ]


def _ours(rig: Rig) -> Found:
    with load.source(rig, "warm") as warm:
        warm.bring(10)
    idle, before = load.stretch(rig, IDLE_S), memory.used(rig)["workers"]
    with load.source(rig, "ours") as source:
        source.bring(CALLS)
        costs = [load.per_event(load.stretch(rig, STRETCH_S, source), idle) for _ in range(STRETCHES)]
        grown = memory.used(rig)["workers"] - before
    middle = {part: statistics.median(cost[part] for cost in costs) for part in costs[0]}
    return Found(middle, grown / CALLS / KIB)


class Program:
    """One of benchmarks.instead.programs, as a process of the rig's environment."""

    def __init__(self, rig: Rig, name: str) -> None:
        self._rig = rig
        self._name = name
        self._running: list[subprocess.Popen[str]] = []

    def make_table(self) -> None:
        words = "from benchmarks.instead import project; project.make_table()"
        self.start([sys.executable, "-c", words]).wait()

    def start(self, command: Sequence[str], lines: Sequence[str] = ()) -> subprocess.Popen[str]:
        with (self._rig.directory / "logs" / f"instead-{self._name}.log").open("a") as log:
            environment = self._rig.environment | {"DJANGO_SETTINGS_MODULE": ""}
            running = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, text=True, env=environment
            )
        assert running.stdin
        running.stdin.write("\n".join(lines))
        running.stdin.close()
        self._running.append(running)
        return running

    def attend(self, source: Load, count: int) -> subprocess.Popen[str]:
        """Have it attend so many calls; returns when it does."""
        port = self._rig.provider.port
        ids = source.ask("open", count=count)["calls"]
        addresses = [f"ws://127.0.0.1:{port}/v1/realtime?call_id={call_id}" for call_id in ids]
        started = self.start([sys.executable, "-m", "benchmarks.instead.programs", self._name], addresses)
        wait_until(lambda: source.ask("state")["attached"] >= count, READY_LIMIT_S, f"{count} calls of {self._name}")
        time.sleep(WARM_S)
        return started

    def stop(self) -> None:
        for running in self._running:
            running.terminate()
        for running in self._running:
            running.wait(READY_LIMIT_S)


@contextmanager
def _program(rig: Rig, name: str) -> Iterator[tuple[Program, Load]]:
    program = Program(rig, name)
    with load.source(rig, name) as source:
        try:
            yield program, source
        finally:
            source.ask("end")  # Celery waits for its tasks
            program.stop()


def _measured(rig: Rig, source: Load, parts: Mapping[str, int], done: Sequence[str] = ()) -> dict[str, float]:
    """Medians of microseconds by part. `done`: a query that counts what was worked off, where that may be less than
    what was sent."""
    meter = cpu.Meter({name: (pid,) for name, pid in parts.items()})

    def count() -> int:
        return int(rig.rows(done[0])[0][0]) if done else source.frames()

    costs = []
    for _ in range(STRETCHES):
        before, first = meter.read(), count()
        time.sleep(STRETCH_S)
        used, events = cpu.spent(before, meter.read()), count() - first
        costs.append({part: seconds / events * 1e6 for part, seconds in used.items()})
    return {part: statistics.median(cost[part] for cost in costs) for part in parts}


def _prefork(rig: Rig) -> Found:
    with _program(rig, "prefork") as (program, source):
        celery = [sys.executable, "-m", "celery", "-A", "benchmarks.instead.programs", "worker", "-Q", "instead"]
        worker = program.start([*celery, "-P", "prefork", "-c", str(PREFORK_CALLS), "-l", "WARNING"])
        program.attend(source, PREFORK_CALLS)
        used = _measured(rig, source, {"program": worker.pid})
        children = psutil.Process(worker.pid).children(recursive=True)
        own = statistics.mean(child.memory_full_info().uss for child in children)
    return Found(used, own / KIB)


def _thread(rig: Rig) -> Found:
    with _program(rig, "thread") as (program, source):
        alone = psutil.Process(program.attend(source, 1).pid).memory_full_info().uss
        running = program.attend(source, CALLS)
        used = _measured(rig, source, {"program": running.pid})
        own = psutil.Process(running.pid).memory_full_info().uss
    return Found(used, (own - alone) / (CALLS - 1) / KIB)


def _orm(rig: Rig) -> Found:
    with _program(rig, "orm") as (program, source):
        running = program.attend(source, CALLS)
        pids = {"program": running.pid, "PostgreSQL": load.postmaster(rig)}
        return Found(_measured(rig, source, pids, ["select count(*) from instead_event"]), 0.0)


def _group(rig: Rig) -> Found:
    with _program(rig, "group") as (program, source):
        port = services.free_port()
        site = [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port)]
        web = program.start([*site, "benchmarks.instead.project:application"])
        with _watched(port):
            running = program.attend(source, CALLS)
            return Found(_measured(rig, source, {"program": running.pid, "Redis": rig.redis.pid, "web": web.pid}), 0.0)


@contextmanager
def _watched(port: int) -> Iterator[None]:
    """Screens that receive everything and forget it."""
    over = threading.Event()

    async def screen() -> None:
        while not over.is_set():
            try:
                async with connect(f"ws://127.0.0.1:{port}/", compression=None, proxy=None) as socket:
                    async for _ in socket:
                        if over.is_set():
                            return
            except OSError:
                await asyncio.sleep(0.2)

    async def screens() -> None:
        await asyncio.gather(*(screen() for _ in range(load.SCREENS)))

    thread = threading.Thread(target=lambda: uvloop.run(screens()), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
