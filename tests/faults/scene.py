"""One run: calls are placed and watched, operators ask for things, a fault is injected, everything settles, and the
histories are collected.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException
from typing import Any

import psutil
import psycopg

from tests.faults import collect
from tests.faults.fault import Fault
from tests.faults.histories import Asked, Histories
from tests.faults.invariants import LIVE
from tests.rig.handles import Forgiven, Handle
from tests.rig.machine import Rig
from tests.rig.waiting import wait_until
from tests.rig.watcher import Watcher

STREAMS_OF_A_SCREEN = 19
"""Beside the tenant's; a feed has 20 at most"""
WARM_UP_S = 4.0
"""Of talk before the fault …"""
AFTER_S = 3.0
"""… and after everything is whole again, before the calls are ended"""
ATTACHED_LIMIT_S = 45.0
END_LIMIT_S = 60.0
SCREENS_LIMIT_S = 25.0
COMMANDS_LIMIT_S = 45.0
ASK_EVERY_S = 0.8
SAMPLE_EVERY_S = 0.5
FORGIVEN_S = 10.0
"""After all is whole again: pools and brokers try again after some seconds of their own"""
LISTED_WITHIN_S = 8.0
"""Heads of the streams come every 6 s; a screen that missed an entry hears of it by then"""
NAMES = {"acme": "Acme Health", "globex": "Globex Travel"}
_WATCHED = """
select call_id from calls_call where call_id = any(%s) and attachment = 'attached' and owner is not null
and lease_expires > clock_timestamp()
"""
_LIVE = """
select t.slug, c.code::text from calls_call c join calls_tenant t on t.id = c.tenant_id
where c.call_id = any(%s) and c.ended_at is null
"""
_OVER = "select call_id from calls_call where call_id = any(%s) and ended_at is not null"
_OPEN = """
select count(*) from calls_command m join calls_call c on c.id = m.call_id
where c.call_id = any(%s) and m.state in ('requested', 'claimed', 'sent')
"""


class Scene:
    """Use as a context manager. What a fault does to the product goes through here.

    At a higher `pace` the stretches of plain talk before and after the fault are shorter.
    """

    def __init__(self, rig: Rig, fault: Fault, calls: int, seed: int, *, pace: float = 1.0) -> None:
        self.rig, self.fault, self.count, self.seed, self.pace = rig, fault, calls, seed, pace
        self.dice = random.Random(f"{fault.id} {seed}")
        self.ids: list[str] = []
        self.base: list[str] = []
        """Those that lived before the fault"""
        self.tenant_of: dict[str, str] = {}
        self.broken: list[str] = []
        """What the fault expected of itself and did not get"""
        self.figures: dict[str, Any] = {}
        """What it measured beside the common figures"""
        self.forgiven: list[str] = list(fault.forgives)
        self.injected_at = self.whole_at = 0.0
        """The second: when what the fault broke was whole again, by the fault's own clock"""
        self.deaf: dict[str, float] = {}
        """Calls that have a socket and are not heard: for how long, as the fault states"""
        self.inherited: dict[str, tuple[float, set[str]]] = {}
        """As in Histories"""
        self.unlisted: list[tuple[str, str, str]] = []
        self.asked: list[Asked] = []
        self.screens: list[tuple[Watcher, str, list[str]]] = []
        self.rss_max = 0
        self.peaks: dict[str, int] = {}
        """Most bytes of each process since this was cleared"""
        self._hurt: set[int] = set()
        """Ids of processes that the fault ended"""
        self._died: set[str] = set()
        self._since = rig.provider.ledger.stat().st_size if rig.provider.ledger.exists() else 0
        self._over = threading.Event()
        self._quiet = threading.Event()
        self._threads: list[threading.Thread] = []
        self._stack = ExitStack()

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(40)
        self._stack.close()

    # -- what a fault uses

    def place(self, count: int, **order: Any) -> list[str]:
        """Have so many more people call, by turns at both tenants."""
        placed = []
        for _ in range(count):
            n = len(self.ids)
            wanted = {"scenario": self.fault.scenario, "account": n % 2, "speed": self.fault.speed} | order
            wanted.setdefault("seed", self.dice.randrange(1 << 30))
            call_id = self.rig.provider.place(wanted.pop("scenario"), **wanted)
            self.ids.append(call_id)
            self.tenant_of[call_id] = self.rig.plan.tenants[wanted["account"]]
            placed.append(call_id)
        return placed

    def arrive(self, count: int, **order: Any) -> list[str]:
        """People who call in the middle of the fault: at natural pace, for so is the patience with which they ring."""
        return self.place(count, **{"speed": 1.0} | order)

    def expect(self, holds: object, otherwise: str) -> None:
        """Note it where something that the fault promises does not hold."""
        if not holds:
            self.broken.append(f"{self.fault.id}: {otherwise}")

    def wait(self, condition: Callable[[], Any], limit: float, what: str) -> float:
        """Wait for it; returns how long it took. What does not come in time breaks the run, which goes on."""
        begun = time.monotonic()
        try:
            wait_until(condition, limit, what)
        except AssertionError as late:
            self.broken.append(f"{self.fault.id}: {late}")
        return round(time.monotonic() - begun, 2)

    def hold(self, seconds: float) -> None:
        """Let the fault last."""
        time.sleep(seconds)

    def kill(self, handle: Handle) -> None:
        self._hurt.add(handle.pid)
        handle.kill()

    def terminate(self, handle: Handle) -> None:
        self._hurt.add(handle.pid)
        handle.terminate()

    def look_for_the_dead(self) -> None:
        """Before they are started again: who is dead now, and was not ended by the fault, ended by itself."""
        self._died |= {
            name for name, handle in self.rig.handles.items() if not handle.alive and handle.pid not in self._hurt
        }

    def forgive(self, *words: str) -> None:
        self.forgiven += words

    def whole(self) -> None:
        """From now on nothing is broken any more; otherwise that is so when the injection returns."""
        self.whole_at = self.whole_at or time.time()

    def busiest(self) -> Handle:
        """The worker with the most calls."""
        return max(self.rig.workers, key=lambda worker: len(self.held(worker)) if worker.alive else -1)

    def victim(self) -> tuple[Handle, set[str]]:
        """The worker with the most calls, and these. Without any a fault of a worker proves nothing."""
        worker = self.busiest()
        calls = self.held(worker)
        self.expect(calls, "the victim has no call")
        return worker, calls

    def held(self, worker: Handle) -> set[str]:
        query = "select c.call_id from calls_call c join calls_worker w on w.owner = c.owner where w.pid = %s"
        return {row[0] for row in self.rig.rows(query, worker.pid)} & set(self.ids)

    def live(self) -> set[str]:
        """Calls of this run that are not over at the provider."""
        return {one["call_id"] for one in self.rig.provider.live()} & set(self.ids)

    def talking(self) -> set[str]:
        """Those of them that have a leg."""
        return {one["call_id"] for one in self.rig.provider.live() if one["state"] == "live"} & set(self.ids)

    def unwatched(self) -> list[str]:
        """Calls that are not over at the provider, and that nobody attends: without an owner, or without a socket.

        What the product has given up, and said so, is none of them.
        """
        live = {one["call_id"]: one["sockets"] for one in self.rig.provider.live()}
        mine = [call for call in self.ids if call in live]
        watched = {row[0] for row in self.rig.rows(_WATCHED, mine)}
        over = {row[0] for row in self.rig.rows(_OVER, mine)}
        return [call for call in mine if call not in over and not (call in watched and live[call])]

    def wait_until_watched(self, limit: float = ATTACHED_LIMIT_S) -> float:
        return self.wait(lambda: not self.unwatched(), limit, "every live call to be watched again")

    def memory(self) -> dict[str, int]:
        """Resident bytes of the processes that hold calls or pages."""
        found = {}
        for name, handle in self.rig.handles.items():
            if handle.alive and (name == "web" or name.startswith("sideband")):
                with suppress(psutil.NoSuchProcess):
                    found[name] = psutil.Process(handle.pid).memory_info().rss
        return found

    @contextmanager
    def grows_at_most(self, megabytes: int, name: str = "") -> Iterator[None]:
        """What happens inside lets no process (or only the one of that name) grow by more than so much."""
        before = {one: size for one, size in self.memory().items() if name in one}
        self.expect(before, f"no process is called {name}: nothing was proven of its memory")
        self.peaks.clear()
        yield
        now = self.memory()
        grown = {one: max(self.peaks.get(one, 0), now.get(one, 0)) - size for one, size in before.items()}
        worst = max(grown.values(), default=0) >> 20
        self.figures["grew_mb"] = worst
        self.expect(worst <= megabytes, f"a process grew by {worst} MB: {grown}")

    def counted(self, kind: str, counter: str) -> int:
        """What the processes of a kind count, of those that were heard of lately; the sum."""
        query = (
            "select counters->%s from calls_worker where kind = %s and seen_at > clock_timestamp() - interval '20 s'"
        )
        found = [row[0] for row in self.rig.rows(query, counter, kind) if row[0] is not None]
        return sum(one[0] if isinstance(one, list) else one for one in found)

    def column(self, name: str, ids: Iterable[str] | None = None) -> dict[str, Any]:
        query = f"select call_id, {name} from calls_call where call_id = any(%s)"
        return dict(self.rig.rows(query, list(self.ids if ids is None else ids)))

    def ask(self, call_id: str, verb: str, text: str = "", *, key: str = "") -> Asked:
        """Ask for a command as a supervisor does; what the browser was answered is noted."""
        tenant = self.tenant_of[call_id]
        asked = Asked(call_id, verb, time.time(), 0)
        try:
            answer = self.rig.person("supervisor", tenant).command(
                tenant, self.rig.code(call_id, 2), verb, text, key=key
            )
            asked.status = answer.status
            if answer.status == 201:
                asked.id = answer.json()["id"]
        except (OSError, HTTPException, psycopg.Error, AssertionError):
            asked.status = 0  # the web process or its database is away: so was the operator's page told
        self.asked.append(asked)
        return asked

    def be_quiet(self) -> None:
        """No more commands from the operator in the background, and the last one has its answer."""
        self._quiet.set()
        for thread in self._threads:
            if thread.name == "_operate":
                thread.join(40)

    def settled(self, asked: Asked, limit: float = COMMANDS_LIMIT_S) -> str:
        """The state in which a command ends."""
        query = "select state from calls_command where id = %s"
        over = "('confirmed','refused','not_confirmed','expired','cancelled')"
        self.wait(lambda: self.rig.rows(f"{query} and state in {over}", asked.id), limit, f"{asked.verb} to be settled")
        found = self.rig.rows(query, asked.id)
        return str(found[0][0]) if found else ""

    # -- the course of a run

    def warm_up(self) -> None:
        """All calls attached, every one of them on a screen, some words said."""
        self._start(self._sample)
        self.base = self.place(self.count)
        self.rig.wait_until_attached(*self.ids, limit=ATTACHED_LIMIT_S)
        for tenant in self.rig.plan.tenants:
            codes = [self.rig.code(call) for call in self.ids if self.tenant_of[call] == tenant]
            for first in range(0, max(1, len(codes)), STREAMS_OF_A_SCREEN):
                streams = ["tenant", *(f"call:{code}" for code in codes[first : first + STREAMS_OF_A_SCREEN])]
                watcher = self._stack.enter_context(self.rig.watcher(*streams, tenant=tenant))
                self.screens.append((watcher, tenant, streams))
        for watcher, _, _ in self.screens:
            watcher.wait(20)
        if self.fault.commands:
            self._start(self._operate)
        time.sleep(WARM_UP_S / self.pace)

    def settle(self) -> None:
        """The product is whole: every live call is watched again, and talk goes on for a moment."""
        self.whole()
        self.figures["settled_s"] = self.wait_until_watched()
        self._look_at_the_lists()
        time.sleep(AFTER_S / self.pace)
        self.be_quiet()

    def finish(self) -> Histories:
        """Everybody hangs up; the screens and the commands come to their end; returns what became of everything."""
        self.whole()
        self.be_quiet()
        self.wait(lambda: not self.rig.rows(_OPEN, self.ids)[0][0], COMMANDS_LIMIT_S, "every command to be settled")
        for call in self.live():
            self.rig.provider.hang_up(call)
        try:
            self.rig.settle(*self.ids, limit=END_LIMIT_S)
        except AssertionError as late:
            self.broken.append(str(late))
        caught_up = self.wait(self._screens_are_whole, SCREENS_LIMIT_S, "every screen to show all that is stored")
        self._over.set()
        self.look_for_the_dead()
        found = Histories(
            calls=self.ids,
            tenant_of=self.tenant_of,
            names=NAMES,
            ledger=collect.ledger(self.rig, self.ids, self._since),
            stored=collect.stored(self.rig, self.tenant_of),
            screens=[collect.screen(*one, caught_up) for one in self.screens],
            asked=self.asked,
            clocks_agree=self.fault.clocks_agree,
            unlisted=self.unlisted,
            inherited=self.inherited,
            outage_s=self.fault.outage_s,
            deaf=self.deaf,
            deaths=sorted(self._died),
        )  # fmt: skip
        # What a wrong clock wrote bears a time that says nothing.
        since, until = (self.injected_at, self.whole_at + FORGIVEN_S) if self.fault.clocks_agree else (0.0, math.inf)
        self.rig.forgive(*(Forgiven(word, since, until) for word in self.forgiven))
        found.logs = self.rig.problems()
        return found

    def _look_at_the_lists(self) -> None:
        """Every call that lives now is on every list of its tenant, as one that lives, within LISTED_WITHIN_S."""

        def unlisted() -> list[tuple[str, str, str]]:
            live = self.rig.rows(_LIVE, self.ids)
            rows = [(watcher, tenant, watcher.picture.row(code), code) for watcher, tenant, _ in self.screens
                    for slug, code in live if slug == tenant]  # fmt: skip
            return [
                (tenant, code, row.get("state", "")) for _, tenant, row, code in rows if row.get("state") not in LIVE
            ]

        deadline = time.monotonic() + LISTED_WITHIN_S
        while (missing := unlisted()) and time.monotonic() < deadline:
            time.sleep(0.2)
        self.unlisted = missing

    def _screens_are_whole(self) -> bool:
        heads = {f"call:{code}": seq for code, seq in self.rig.rows("select code::text, last_seq from calls_call")}
        query = "select t.slug, s.last_seq from calls_tenantstream s join calls_tenant t on t.id = s.tenant_id"
        tenants = dict(self.rig.rows(query))
        return all(
            stream in watcher.picture.streams
            and watcher.picture.streams[stream].seq == (tenants[tenant] if stream == "tenant" else heads[stream])
            for watcher, tenant, followed in self.screens
            for stream in followed
        )

    # -- beside it

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=work.__name__, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _sample(self) -> None:
        while not self._over.wait(SAMPLE_EVERY_S):
            for name, size in self.memory().items():
                self.rss_max = max(self.rss_max, size)
                self.peaks[name] = max(self.peaks.get(name, 0), size)

    def _operate(self) -> None:
        """A supervisor who asks one call after the other for something."""
        calls = [call for call in self.ids if self.tenant_of[call] == "acme"]
        for n, verb in enumerate(["inform", "say", "instruct"] * 1000):
            if self._over.is_set() or self._quiet.wait(ASK_EVERY_S):
                return
            self.ask(calls[n % len(calls)], verb, f"Remark {n} of the supervisor.")
