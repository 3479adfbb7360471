"""A number of calls at once on a running product, and what stretches of it cost."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import psutil
import uvloop

from benchmarks import cpu, screens
from benchmarks.certificate import Certificate
from benchmarks.screens import Screen
from benchmarks.sent import Sent
from benchmarks.source import conversations
from benchmarks.source.conversations import Conversation
from realtime_ops import command_lines
from tests.rig import machine
from tests.rig.machine import Plan, Rig
from tests.rig.waiting import EVERY_S, wait_until

DEPLOYED = Plan(tenants=("acme",), durable=True, jobs=True)
"""Two workers, web, jobs and beat; PostgreSQL with its usual durability"""
SCREENS = 5
CALLS_PER_SCREEN = 2
"""Each screen follows the tenant's live page and so many calls beside"""
ARRIVALS_PER_S = 40.0
ATTACH_LIMIT_S = 90.0
READY_LIMIT_S = 20.0
ENOUGH = 0.99
"""Of the calls: where they are kept, some have just ended"""
SETTLE_LIMIT_S = 120.0
WARM_S = 3.0


@dataclass(frozen=True)
class Stretch:
    """What happened between two looks at the clock."""

    since: float
    until: float
    events: int
    cpu_s: dict[str, float]
    screens: Sequence[Screen]
    codes: dict[str, str]
    """call_id → code of the calls that the screens follow"""

    @property
    def seconds(self) -> float:
        return self.until - self.since


class Load:
    """A source of calls that runs, and what it sent."""

    def __init__(self, rig: Rig, sent: Sent, *, tls: Certificate | None) -> None:
        self.sent = sent
        self._rig = rig
        self._tls = tls

    def ask(self, what: str, **asked: Any) -> dict[str, Any]:
        """Of the source's control port; see benchmarks.source.provider."""
        port = self._rig.provider.port
        connection = (
            HTTPSConnection(Certificate.HOST, port, timeout=READY_LIMIT_S, context=self._tls.trusting())
            if self._tls
            else HTTPConnection("127.0.0.1", port, timeout=READY_LIMIT_S)
        )
        try:
            connection.request("POST", f"/_source/{what}", json.dumps(asked))
            return dict(json.loads(connection.getresponse().read()))
        finally:
            connection.close()

    def there(self) -> bool:
        try:
            return "frames" in self.ask("state")
        except OSError:
            return False

    def frames(self) -> int:
        return int(self.ask("state")["frames"])

    def deltas(self) -> int:
        """Pieces of speech that were sent."""
        return sum(1 for _ in self.sent.words(0, math.inf, {call_id for call_id, _ in self.sent.played().values()}))

    def bring(
        self, count: int, *, per_s: float | None = ARRIVALS_PER_S, keep: bool = True, lasts: float | None = None
    ) -> None:
        """So many more calls; returns when they are attached, or are not within the limit, which is said.

        `keep`: a caller who gave up or is done calls again. `lasts`: seconds that a call talks at most.
        """
        wanted = int(self.ask("state")["attached"]) + count
        self.ask("calls", count=count, per_s=per_s, keep=keep, lasts=lasts)
        over = time.monotonic() + ATTACH_LIMIT_S + (count / per_s if per_s else 0.0)
        while (attached := int(self.ask("state")["attached"])) < wanted * ENOUGH and time.monotonic() < over:
            time.sleep(0.05)
        if attached < wanted * ENOUGH:
            print(f"of {wanted:,} calls only {attached:,} were attached: what follows is measured with those")


@contextmanager
def product(directory: Path, **environment: str) -> Iterator[Rig]:
    """As it is deployed; also jobs have run, so that their start is in no figure."""
    with machine.rig(directory, replace(DEPLOYED, environment=environment)) as rig:
        jobs = "select 1 from calls_worker where kind = 'jobs'"
        wait_until(lambda: rig.rows(jobs), READY_LIMIT_S, "the jobs worker and beat")
        yield rig


@cache
def played() -> list[Conversation]:
    return conversations.prepared()


def postmaster(rig: Rig) -> int:
    pid = int((rig.directory / "pg" / "postmaster.pid").read_text().split()[0])
    assert psutil.pid_exists(pid)
    return pid


def meter(rig: Rig) -> cpu.Meter:
    return cpu.Meter(
        {
            "workers": tuple(worker.pid for worker in rig.workers),
            "PostgreSQL": (postmaster(rig),),
            "Redis": (rig.redis.pid,),
            "web": (rig.web.pid,),
            "jobs": tuple(rig.handles[name].pid for name in ("jobs", "beat")),
        }
    )


@contextmanager
def source(rig: Rig, name: str, *, tls: Certificate | None = None, counted: bool = False) -> Iterator[Load]:
    """A source in the place of the simulator; on the way out all its calls end, and the product finishes with them.

    Raises AssertionError where it does not; `counted`: the caller has counted those.
    """
    if rig.handles["simulator"].alive:
        rig.handles["simulator"].stop()
    script = rig.directory / "conversations.json"
    if not script.exists():
        conversations.save(played(), script)
    directory = rig.directory / f"source-{name}"
    directory.mkdir()
    python = command_lines.simulator(0, Path())[0]
    accounts = rig.directory / "accounts.json"
    command = [python, "-m", "benchmarks.source", str(rig.provider.port), str(accounts), str(script), str(directory)]
    load = Load(rig, Sent(directory, played()), tls=tls)
    handle = rig.add(f"source-{name}", [*command, *(map(str, tls.files) if tls else ())])
    wait_until(load.there, READY_LIMIT_S, "the source")
    yield load
    load.ask("end")
    if not counted:
        finish(rig)
        assert not (left := unfinished(rig)), (
            f"{left} calls have not ended {SETTLE_LIMIT_S:g} s after the provider ended them"
        )
    handle.stop()


def finish(rig: Rig) -> None:
    """Until nothing is left to do, or SETTLE_LIMIT_S are over."""
    over = time.monotonic() + SETTLE_LIMIT_S
    while unfinished(rig) and time.monotonic() < over:
        time.sleep(EVERY_S)


def unfinished(rig: Rig) -> int:
    """Calls that have not ended."""
    return int(rig.rows("select count(*) from calls_call where ended_at is null")[0][0])


def stretch(rig: Rig, seconds: float, load: Load | None = None) -> Stretch:
    """Measure for so long, with the screens watching."""
    return uvloop.run(_stretch(rig, seconds, load))


async def _stretch(rig: Rig, seconds: float, load: Load | None) -> Stretch:
    query = """select call_id, code from calls_call where attachment = 'attached' and ended_at is null
               order by call_id limit %s"""
    codes = {str(call_id): str(code) for call_id, code in rig.rows(query, SCREENS * CALLS_PER_SCREEN)}
    followed = list(codes.values())
    watching, ready, tasks = [], [], []
    for n in range(SCREENS):
        screen, answered = Screen(rig.person("supervisor"), "acme"), asyncio.Event()
        mine = followed[n * CALLS_PER_SCREEN : (n + 1) * CALLS_PER_SCREEN]
        tasks.append(asyncio.create_task(screen.listen(mine, answered)))
        watching.append(screen)
        ready.append(answered)
    try:
        await _all_ready(tasks, ready)
        await asyncio.sleep(WARM_S)
        read = meter(rig).read
        before, frames, since = read(), load.frames() if load else 0, time.time()
        await asyncio.sleep(seconds)
        after, sent, until = read(), load.frames() if load else 0, time.time()
        await asyncio.sleep(2)  # what was sent at the end arrives
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return Stretch(since, until, sent - frames, cpu.spent(before, after), watching, codes)


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


def delays(found: Stretch, load: Load) -> list[float]:
    """Seconds from the provider's sending to a screen's receiving, of each piece of speech."""
    words = load.sent.words(found.since, found.until, found.codes.keys())
    return screens.delays(words, screens.arrivals(found.screens), found.codes)
