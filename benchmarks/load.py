"""A number of calls at once on a running product, and what stretches of it cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks import cpu, ledger, screens
from benchmarks.screens import Screen
from realtime_ops import command_lines
from tests.rig.machine import Rig
from tests.rig.provider import Provider
from tests.rig.waiting import wait_until

SCREENS = 5
CALLS_PER_SCREEN = 2
"""Each screen follows the tenant's live page and so many calls beside. More would outrun the acknowledgements, which
come every 5 s: after 200 frames without one the feed leaves hints out (docs/feed-protocol.md)."""
ARRIVALS_PER_S = 25.0
SPEED = 1.3
"""Makes about 7 events a second of a call of this scenario"""
SCENARIO = "long_chat"
ATTACH_LIMIT_S = 60.0
READY_LIMIT_S = 20.0


@dataclass(frozen=True)
class Stretch:
    """What happened between two looks at the clock."""

    since: float
    until: float
    events: int
    cpu_s: dict[str, float]
    screens: Sequence[Screen]
    call_ids: frozenset[str]
    """The calls that the screens follow"""

    @property
    def seconds(self) -> float:
        return self.until - self.since


def meter(rig: Rig) -> cpu.Meter:
    postmaster = int((rig.directory / "pg" / "postmaster.pid").read_text().split()[0])
    assert psutil.pid_exists(postmaster)
    return cpu.Meter(
        {
            "workers": tuple(worker.pid for worker in rig.workers),
            "PostgreSQL": (postmaster,),
            "Redis": (rig.redis.pid,),
            "web": (rig.web.pid,),
        }
    )


@contextmanager
def calls(rig: Rig, count: int) -> Iterator[Path]:
    """So many calls at once, each followed by another; yields their ledger."""
    rig.handles["simulator"].stop()
    path = rig.directory / f"ledger-{count}.jsonl"
    command = command_lines.simulator(rig.provider.port, rig.directory / "accounts.json")
    command += ["--calls", str(count), "--loop", "--scenario", SCENARIO, "--speed", str(SPEED), "--seed", str(count)]
    command += ["--arrivals-per-second", str(ARRIVALS_PER_S), "--ledger", str(path)]
    rig.provider = Provider(rig.provider.port, path)
    handle = rig.add("simulator", command)
    wait_until(rig.provider.healthy, 20, "the simulator")
    wait_until(lambda: _attached(rig) >= count * 0.97, ATTACH_LIMIT_S + count / ARRIVALS_PER_S, f"{count} calls")
    yield path
    handle.stop()


def _attached(rig: Rig) -> int:
    return int(rig.rows("select count(*) from calls_call where attachment = 'attached' and ended_at is null")[0][0])


def stretch(rig: Rig, seconds: float) -> Stretch:
    """Measure for so long, with the screens watching."""
    return asyncio.run(_stretch(rig, seconds))


async def _stretch(rig: Rig, seconds: float) -> Stretch:
    query = """select code, call_id from calls_call where attachment = 'attached' and ended_at is null
               order by answered_at desc limit %s"""
    found = rig.rows(query, SCREENS * CALLS_PER_SCREEN)
    codes, call_ids = [str(row[0]) for row in found], frozenset(row[1] for row in found)
    watching, ready, tasks = [], [], []
    for n in range(SCREENS):
        screen, answered = Screen(rig.person("supervisor"), "acme"), asyncio.Event()
        followed = codes[n * CALLS_PER_SCREEN : (n + 1) * CALLS_PER_SCREEN]
        tasks.append(asyncio.create_task(screen.listen(followed, answered)))
        watching.append(screen)
        ready.append(answered)
    try:
        await _all_ready(tasks, ready)
        await asyncio.sleep(2)
        read = meter(rig).read
        before, frames, since = read(), rig.provider.sent(), time.time()
        await asyncio.sleep(seconds)
        after, sent, until = read(), rig.provider.sent(), time.time()
        await asyncio.sleep(2)  # what was sent at the end arrives
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return Stretch(since, until, sent - frames, cpu.spent(before, after), watching, call_ids)


async def _all_ready(tasks: Sequence[asyncio.Task[None]], ready: Sequence[asyncio.Event]) -> None:
    """Every screen has its first frame; a screen that failed says why."""
    waiting = asyncio.gather(*(each.wait() for each in ready))
    done, _ = await asyncio.wait([waiting, *tasks], timeout=READY_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
    for task in done - {waiting}:
        task.result()
    assert waiting.done(), f"{sum(each.is_set() for each in ready)} of {len(ready)} screens were answered"


def per_event(found: Stretch, idle: Stretch) -> dict[str, float]:
    """Microseconds of CPU per event of each part, less what it uses while nothing happens."""
    return {
        part: (used - idle.cpu_s[part] / idle.seconds * found.seconds) / found.events * 1e6
        for part, used in found.cpu_s.items()
    }


def delays(found: Stretch, path: Path) -> list[float]:
    """Seconds from the provider's sending to a screen's receiving, of each piece of speech."""
    arrived = screens.arrivals(found.screens)
    return ledger.delays(ledger.words(path, found.since, found.until, found.call_ids), arrived)
