"""One of the programs as a process of the rig's environment, and what it costs less what it costs without calls."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil
import uvloop
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from benchmarks import cpu, load
from benchmarks.load import Load
from benchmarks.options import IDLE_S, QUICK
from tests.rig.machine import Rig
from tests.rig.waiting import wait_until

STRETCHES, STRETCH_S = (1, 4.0) if QUICK else (3, 5.0)
READY_LIMIT_S = 40.0
CHILDREN_LIMIT_S = 120.0
"""For a child of Celery per call to be there"""
WARM_S = 3.0


@dataclass(frozen=True)
class Found:
    """What a program used."""

    us: Mapping[str, float]
    """By part of the system, of each event"""
    grown: float
    """Bytes of the program, with all calls over without any"""

    def of(self, *parts: str) -> float:
        return sum(self.us[part] for part in parts)


class Program:
    """One of benchmarks.instead.programs and what belongs to it, beside a source of its own."""

    def __init__(self, rig: Rig, name: str, source: Load, calls: int) -> None:
        self._rig = rig
        self._name = name
        self._source = source
        self.calls: Sequence[str] = source.ask("open", count=calls)["calls"]
        self._running: list[subprocess.Popen[str]] = []
        self._main = self.start([sys.executable, "-m", "benchmarks.instead.programs", name])

    def start(self, command: Sequence[str]) -> subprocess.Popen[str]:
        with (self._rig.directory / "logs" / f"instead-{self._name}.log").open("a") as log:
            environment = self._rig.environment | {"DJANGO_SETTINGS_MODULE": ""}
            running = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        self._running.append(running)
        return running

    def measured(
        self, beside: Mapping[str, int], *, of: int | None = None, done: Callable[[], int] | None = None
    ) -> Found:
        """Without calls, then with them. `beside`: roots of other parts. `of`: the root of the program, where it is not
        the process that was started. `done` counts what was worked off, where that may be less than what was sent.
        """
        assert self._main.stdout
        assert self._main.stdout.readline() == "ready\n"
        root, count = of or self._main.pid, done or self._source.frames
        meter = cpu.Meter({"program": (root,)} | {name: (pid,) for name, pid in beside.items()})
        time.sleep(WARM_S)
        idle, _ = self._stretch(meter, IDLE_S)
        before = _own(root)
        self._attend()
        costs = []
        for _ in range(STRETCHES):
            first = count()
            used, seconds = self._stretch(meter, STRETCH_S)
            events = count() - first
            costs.append({part: (used[part] - idle[part] / IDLE_S * seconds) / events * 1e6 for part in used})
        return Found({part: statistics.median(cost[part] for cost in costs) for part in idle}, _own(root) - before)

    def _stretch(self, meter: cpu.Meter, seconds: float) -> tuple[dict[str, float], float]:
        before, begun = meter.read(), time.monotonic()
        time.sleep(seconds)
        return cpu.spent(before, meter.read()), time.monotonic() - begun

    def _attend(self) -> None:
        assert self._main.stdin
        base = f"ws://127.0.0.1:{self._rig.provider.port}/v1/realtime"
        self._main.stdin.write("".join(f"{base}?call_id={call}\n" for call in self.calls))
        self._main.stdin.close()
        wanted = len(self.calls)
        wait_until(lambda: self._source.ask("state")["attached"] >= wanted, READY_LIMIT_S, f"{wanted} calls attended")
        time.sleep(WARM_S)

    def stop(self) -> None:
        for running in self._running:
            running.terminate()
        for running in self._running:
            with running:  # closes its pipes
                running.wait(READY_LIMIT_S)


def _own(pid: int) -> int:
    """Bytes that belong to a process and its children alone."""
    root = psutil.Process(pid)
    return sum(int(process.memory_full_info().uss) for process in (root, *root.children(recursive=True)))


@contextmanager
def program(rig: Rig, name: str, calls: int) -> Iterator[Program]:
    with load.source(rig, name) as source:
        running = Program(rig, name, source, calls)
        try:
            yield running
        finally:
            source.ask("end")  # Celery waits for its tasks
            running.stop()


@contextmanager
def watched(port: int, calls: Sequence[str], *all_follow: str) -> Iterator[None]:
    """Screens that follow as many calls as those of the product, and what all follow; they forget what they receive."""
    over, each = threading.Event(), load.CALLS_PER_SCREEN

    async def screen(number: int) -> None:
        query = "&".join(f"call={call}" for call in [*calls[number * each : (number + 1) * each], *all_follow])
        while not over.is_set():
            with suppress(OSError, ConnectionClosed):  # it is not there yet, or no longer
                async with connect(f"ws://127.0.0.1:{port}/?{query}", compression=None, proxy=None) as socket:
                    async for _ in socket:
                        if over.is_set():
                            return
            await asyncio.sleep(0.2)

    async def screens() -> None:
        await asyncio.gather(*(screen(number) for number in range(load.SCREENS)))

    thread = threading.Thread(target=lambda: uvloop.run(screens()), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
