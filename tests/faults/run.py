"""Runs faults on one rig, one after the other, and judges each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Queue
from typing import Any

from tests.faults import checks, figures, invariants, traces
from tests.faults.fault import Fault, Skipped
from tests.faults.scene import Scene
from tests.rig import machine
from tests.rig.machine import Plan, Rig
from tests.rig.waiting import wait_until

WHOLE_LIMIT_S = 60.0
PLAN = Plan(workers=2, jobs=True, links=True, ledger_frames="types", durable=True)


@dataclass
class Result:
    """Of one fault and seed; `line` is its JSON line."""

    fault: Fault
    line: dict[str, Any]
    broken: list[str] = field(default_factory=list)
    skipped: str = ""


Lane = Callable[[Path, Sequence[Fault], int, int], Iterator[Result]]


@contextmanager
def product(directory: Path, plan: Plan = PLAN) -> Iterator[Rig]:
    """A rig with doors and traces."""
    with machine.rig(directory, plan) as rig:
        traces.install(rig)
        yield rig


def run(rig: Rig, fault: Fault, calls: int, seed: int, *, pace: float = 1.0) -> Result:
    """One fault, from a whole product to a judged one."""
    begun = time.monotonic()
    verdict = None
    between = mend(rig)
    with Scene(rig, fault, calls, seed, pace=pace) as scene:
        try:
            scene.warm_up()
            scene.injected_at = time.time()
            verdict = fault.inject(scene)
            scene.look_for_the_dead()
            make_whole(rig)
            scene.settle()
        except Skipped as reason:
            return _skipped(fault, seed, reason)
        except Exception as failed:  # noqa: BLE001  whatever a fault runs into breaks its own run, not the matrix
            scene.broken.append(f"{fault.id}: {type(failed).__name__}: {failed}")
            scene.look_for_the_dead()
            make_whole(rig)
        histories = scene.finish()
    found = between + scene.broken + invariants.broken(histories)
    found += [f"{fault.id}: {wrong}" for wrong in (verdict(histories) if verdict else ())]
    if fault.commands:
        found += [f"{fault.id}: {wrong}" for wrong in checks.operators_were_heard(histories)]
    line = {"fault": fault.id, "seed": seed, "calls": len(scene.ids)}
    line |= figures.of(histories, scene.injected_at)
    line |= {"rss_max_mb": scene.rss_max >> 20, **scene.figures}
    line |= {"took_s": round(time.monotonic() - begun, 1), "broken": found}
    return Result(fault, line, found)


def run_all(
    directory: Path, faults: Sequence[Fault], calls: int, seeds: int, *, lanes: int = 1, lane: Lane | None = None
) -> Iterator[Result]:
    """Each of so many lanes has products of its own, side by side, and its share of the faults. Results come as they are
    there; what ends a lane is raised when the others are done."""
    lane = lane or run_lane
    if lanes == 1:  # nothing to wait for beside it: an interruption ends it at once
        yield from lane(directory, faults, calls, seeds)
        return
    found: Queue[Result | None] = Queue()

    def work(number: int) -> None:
        try:
            for result in lane(directory / f"lane-{number + 1}", faults[number::lanes], calls, seeds):
                found.put(result)
        finally:
            found.put(None)

    with ThreadPoolExecutor(lanes, "lane") as pool:
        running = [pool.submit(work, number) for number in range(lanes)]
        over = 0
        while over < lanes:
            result = found.get()
            if result is None:
                over += 1
            else:
                yield result
    for one in running:
        one.result()


def run_lane(directory: Path, faults: Sequence[Fault], calls: int, seeds: int) -> Iterator[Result]:
    """One product serves all that need no ground and no settings of their own, and one all that need the same ones."""
    shared: dict[tuple[tuple[str, str], ...], list[Fault]] = {}
    for fault in faults:
        if fault.ground is None:
            shared.setdefault(tuple(sorted(fault.environment.items())), []).append(fault)
    for settings, alike in shared.items():
        place = directory / "-".join(("shared", *(name.lower() for name, _ in settings)))
        with product(place, replace(PLAN, environment=dict(settings))) as rig:
            for fault in alike:
                for seed in range(1, seeds + 1):
                    yield run(rig, fault, calls, seed)
    for fault in faults:
        for seed in range(1, seeds + 1) if fault.ground else ():
            yield _on_its_own(directory / f"{fault.id}-{seed}", fault, calls, seed)


def _on_its_own(directory: Path, fault: Fault, calls: int, seed: int) -> Result:
    assert fault.ground is not None
    try:
        with fault.ground(directory), product(directory, replace(PLAN, environment=dict(fault.environment))) as rig:
            return run(rig, fault, calls, seed)
    except Skipped as reason:
        return _skipped(fault, seed, reason)


def _skipped(fault: Fault, seed: int, reason: Skipped) -> Result:
    return Result(fault, {"fault": fault.id, "seed": seed, "skipped": str(reason)}, skipped=str(reason))


def make_whole(rig: Rig) -> None:
    """Undo whatever a fault did and left: open doors, wake what sleeps, start what is dead."""
    rig.provider.no_faults()
    rig.links.heal()
    for handle in rig.handles.values():
        if handle.alive:
            handle.resume()
        else:
            handle.stop()
            handle.start()
    wait_until(rig.ready, WHOLE_LIMIT_S, "the product to be whole again")


def mend(rig: Rig) -> list[str]:
    """Whole, with all workers, and nothing left of the run before; returns what was logged since then and should not
    have been, and what had died: it counts for the run that begins."""
    dead = [name for name, handle in rig.handles.items() if not handle.alive]
    make_whole(rig)
    rig.wait_for_workers(len(rig.workers))
    for one in rig.provider.live():
        rig.provider.hang_up(one["call_id"])
    rig.forgive("Service Unavailable: /readyz")
    return [
        *(f"deaths: {name} ended between two runs" for name in dead),
        *(f"logs: between two runs: {problem}" for problem in rig.problems()),
    ]
