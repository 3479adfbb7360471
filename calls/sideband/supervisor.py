"""All calls of one worker process: take, renew, sweep, hear commands, hand over. Free of Celery."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Collection, Coroutine
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg_pool import PoolTimeout

from calls import resources
from calls.actions import leases
from calls.actions.ingest import CallRef
from calls.actions.leases import Lease
from calls.conf import conf
from calls.domain.changes import NoteAdded
from calls.exceptions import InvalidInput, ProviderRefused
from calls.providers.client import ControlClients
from calls.selectors.sideband import briefing
from calls.sideband import claims, database, fence, gauges
from calls.sideband.announcer import Announcer
from calls.sideband.attendance import Attendance
from calls.sideband.audience import Audience
from calls.sideband.bell import Bell
from calls.sideband.briefed import begin, unattended
from calls.sideband.hints import Hints
from calls.sideband.inheritance import Inheritance
from calls.sideband.peers import Peers
from calls.sideband.pulse import Pulse
from calls.sideband.runner import Frames, Runner
from calls.sideband.spool import Spool
from calls.sideband.writer import Writer

logger = logging.getLogger(__name__)

SWEEP_S = 2.0
TAKE_AT_ONCE = 50
"""Calls that one sweep takes: a worker that comes up alone must not promise more than it can brief in a lease."""
BRIEFINGS_AT_ONCE = 4
ANSWER_LIMIT_S = 5.0
"""For a renewal: a server that vanished without a word counts as away."""
DRAIN_S = 8.0
"""For the last flushes of a process that ends. With what may follow (the disk, twice, and the release) it stays below
loop.DRAIN_LIMIT_S"""
RELEASE_S = 3.0
LISTEN_RETRY_S = 1.0
CANCEL_AGAIN_S = 0.2
AWAY = (psycopg.OperationalError, PoolTimeout, TimeoutError)
"""The database did not answer: wait and try again; nothing is decided meanwhile."""
CROWDED_WORDS = "its workers were lost again and again; it is watched again only half a minute after each"
LOOK_S = 5.0
"""Between looks for spools of dead workers; less than CALM_S, so that those who died while the database was away are
heard before they are buried"""
INHERIT_S = 30.0
"""So long the first look may keep this worker from taking free calls, counted while the database is there"""
CALM_S = float(leases.TTL_S)
"""After the database was away all leases have run out: first everybody renews their own, then the rest is swept."""


class Supervisor:
    """Owns calls by lease and runs each as a task of this loop. A Shell for its runners."""

    def __init__(self) -> None:
        settings = conf()
        self.owner: UUID = uuid4()
        self.slots = min(settings.slots, resources.descriptor_limit() - resources.KEPT_FREE)
        self.frames = Frames()
        self.let_go = 0
        """Calls whose sockets were dropped as PostgreSQL was silent"""
        self.pool = database.pool("sideband", 6)
        # Renewals and commands never queue behind flushes and briefings.
        self.lease_pool = database.pool("leases", 2)
        self.pulse = Pulse(self.lease_pool, self.owner, self.slots)
        self.audience = Audience(self._hear_followed)
        self.announcer = Announcer(self.audience.follows)
        self.fence = fence.Fence()
        self.hints = Hints(self.announcer, settings.flush.total_seconds(), self.fence.holds)
        self.writer = Writer(
            self.pool,
            self.owner,
            settings.flush.total_seconds(),
            self.announcer,
            self._lost,
            Spool(settings.spool_dir, self.owner, settings.spool_bytes),
            settings.backlog_changes,
        )
        self.peers = Peers(self.lease_pool, self.owner, self.writer)
        self._inherited = asyncio.Event()
        self.clients = ControlClients()
        self._runners: dict[int, Runner] = {}
        self._leases: dict[int, Lease] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._taking = asyncio.Lock()
        self._nudged: set[int] = set()
        # Tasks of ours, so that a hand-over waits for them: a call taken behind its back would stay unwatched.
        self._nudges = Bell(self._spawn_quietly, self._heed)
        self._free = Bell(self._spawn_quietly, self._take_free)
        self._briefing = asyncio.Semaphore(BRIEFINGS_AT_ONCE)
        self._server: tuple[str, int] | None = None
        self._away = False
        self._away_at = -CALM_S
        self._stopping = asyncio.Event()

    def may_send(self) -> bool:
        return self.fence.may_send()

    async def run(self) -> None:
        """Work until `stop`; then hand every call over and return."""
        await self.pool.open()
        await self.lease_pool.open()
        loops = [
            asyncio.create_task(self._for_ever(name, work))
            for name, work in (
                ("announce", self.announcer.run),
                ("audience", self.audience.run),
                ("hints", self.hints.run),
                ("inherit", self._inherit),
                ("write", self.writer.run),
                ("relieve", self.writer.relieve),
                ("renew", self._renew),
                ("fence", partial(self.fence.watch, self._ask, self._refuses, self._let_go)),
                ("sweep", self._sweep),
                ("listen", partial(self.pulse.listen, self._hear_command, self._hear_free)),
                (
                    "beat",
                    partial(
                        self.pulse.beat,
                        self._runners.__len__,
                        partial(gauges.read, self),
                        self._is_calm,
                        self._hear_free,
                    ),
                ),
            )
        ]
        await self._stopping.wait()
        await self._hand_over(loops)

    def stop(self) -> None:
        self._stopping.set()

    async def ensure(self, *calls: int) -> None:
        """Attend these calls unless somebody does; what the `attach` task asks for. Nudges that come while others are
        being taken are taken together; beyond the slots they are left to the sweep."""
        self._nudged.update(call for call in calls[: self.slots - len(self._nudged)] if call not in self._leases)
        if self._nudged and not self._stopping.is_set():
            self._nudges.ring()

    async def _heed(self) -> None:
        while self._nudged:
            nudged = list(self._nudged)[:TAKE_AT_ONCE]
            self._nudged.difference_update(nudged)
            await self._take(limit=TAKE_AT_ONCE, calls=nudged)

    async def _for_ever(self, name: str, work: Any) -> None:
        """Keep a loop alive: what it did not foresee is logged and it begins again."""
        while not self._stopping.is_set():
            try:
                await work()
            except AWAY as error:
                if name == "renew":  # the one loop that never waits for the others' connections
                    self._is_away()
                logger.warning("database is away", extra={"loop": name, "error": type(error).__name__})
            except Exception:
                logger.exception("a loop of the supervisor failed and begins again", extra={"loop": name})
            await asyncio.sleep(LISTEN_RETRY_S)

    async def _sweep(self) -> None:
        """Find live calls that nobody holds: the guarantee behind every nudge."""
        while True:
            await self._take_free()
            await asyncio.sleep(SWEEP_S * (0.75 + random.random() / 2))

    def _is_away(self) -> None:
        self._away, self._away_at = True, time.monotonic()

    def _is_calm(self) -> bool:
        return time.monotonic() - self._away_at >= CALM_S and self._inherited.is_set()

    async def _inherit(self) -> None:
        """What dead workers left on this machine is stored before their calls are taken: afterwards it is refused."""
        inheritance = Inheritance(conf().spool_dir, self.pool, self.announcer)
        while True:
            late = asyncio.get_running_loop().call_later(INHERIT_S, self._inherited.set)
            try:
                await inheritance.offer()
            except AWAY:
                raise
            except Exception:  # a file that nobody can read must not keep the living from their work
                logger.exception("what dead workers left cannot be offered")
            finally:
                late.cancel()
            self._inherited.set()
            await asyncio.sleep(LOOK_S)

    async def _take_free(self) -> None:
        if self._is_calm():
            await self._take(limit=TAKE_AT_ONCE)

    async def _take(self, *, limit: int, calls: Collection[int] | None = None) -> None:
        async with self._taking:  # one after the other, or two would fill the same slots
            # Where descriptors run out the calls that are here matter more than those that may come.
            limit = min(limit, self.slots - len(self._leases), resources.descriptors_left())
            if limit <= 0 or not (self.may_send() or await self._ask()):  # who may not answer a call does not take it
                return
            async with self.pool.connection() as connection:
                besides = self._leases.keys() | self.peers.calls()
                taken = await leases.take(connection, self.owner, limit=limit, calls=calls, besides=besides)
            for lease in taken:
                self._leases[lease.call] = lease
                self._spawn(self._attend(lease))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, lease: Lease) -> None:
        """One call, from the lease to its end. An exception here costs this call its watch, not the others."""
        runner: Runner | None = None
        try:
            async with self._briefing, self.pool.connection() as connection:
                brief = await briefing(connection, lease.call, lease.epoch)
            if self._leases.get(lease.call) != lease:
                return  # given up meanwhile, by the fence or the renewal
            ref = CallRef(
                brief.id,
                brief.code,
                brief.tenant_id,
                brief.stream_epoch,
                lease.epoch,
                brief.answered_at is not None,
            )
            try:
                runner = begin(brief, ref, self.clients.of(brief.account), self)
                attendance = Attendance(brief, runner, first_owner=lease.epoch == 1)
            except (InvalidInput, ProviderRefused) as error:
                self.writer.put(ref, unattended(brief, str(error)), {})
                return
            self._runners[lease.call] = runner
            if lease.crowded:
                note = NoteAdded("oddity", datetime.now(UTC), {"kind": "changes hands", "detail": CROWDED_WORDS})
                self.writer.put(ref, [note], {"oddities": 1})
            await attendance.run()
            if attendance.cut_off and self._leases.get(lease.call) == lease:
                self._runners.pop(lease.call, None)  # it takes no command any more: whoever has the call next does
                await self.peers.leave(lease, ringing=not attendance.was_open)
            elif runner.has_ended and self._leases.get(lease.call) == lease:
                # Prolonged until its end is stored: whoever took it before would have all that refused.
                self._runners.pop(lease.call, None)
                await self.writer.stored(lease.call)
        except AWAY as error:
            logger.warning("database is away", extra={"loop": "attend", "error": type(error).__name__})
        except Exception:
            logger.exception("attending a call failed; the sweep takes it again", extra={"call": lease.call})
        finally:
            if runner is not None and self._runners.get(lease.call) is runner:
                del self._runners[lease.call]
            if self._leases.get(lease.call) == lease:
                del self._leases[lease.call]

    async def _renew(self) -> None:
        """Prolong all leases, on the loop itself, so that a lease means: this loop works."""
        while True:
            await self._claim(await self._prolong())
            await asyncio.sleep(leases.RENEW_S)

    async def _prolong(self) -> list[int]:
        """The calls that are still ours; the others are let go. Raises one of AWAY."""
        held = list(self._leases.values())
        asked_at = fence.now()
        async with asyncio.timeout(ANSWER_LIMIT_S), self.lease_pool.connection() as connection:
            kept = await leases.renew(connection, self.owner, held)
            self._server = database.address(connection)
        self.fence.renewed(asked_at)
        if self._away:  # calm is counted from its first good answer: the others' leases have run out, too
            self._away, self._away_at = False, time.monotonic()
        for lease in held:
            if lease.call not in kept:
                self._drop(lease)
        return list(kept)

    def _drop(self, lease: Lease) -> None:
        """Not ours any more. One that is still being briefed has no runner yet and stops for want of its lease."""
        runner = self._runners.get(lease.call)
        if runner is not None and runner.ref.epoch == lease.epoch:
            self._lost(runner.ref)
        elif self._leases.get(lease.call) == lease:
            del self._leases[lease.call]

    async def _ask(self) -> bool:
        """For one who wakes: are they still ours?"""
        try:
            await self._prolong()
        except AWAY:
            return False
        return True

    async def _refuses(self) -> bool:
        return self._server is not None and await database.refuses(self._server)

    def _let_go(self) -> int:
        """Drop every socket: from now on the calls may be somebody else's. What waits is refused if they are."""
        held = list(self._leases.values())
        for lease in held:
            self._drop(lease)
        if held:
            self.let_go += len(held)
            self._is_away()
        return len(held)

    def _lost(self, ref: CallRef) -> None:
        """Another worker owns it, or it is over: drop the socket at once."""
        runner = self._runners.get(ref.id)
        if runner is None or runner.ref.epoch != ref.epoch or runner.over.is_set():
            return
        self._leases.pop(ref.id, None)
        logger.warning("lease lost", extra={"call": str(ref.code)})
        runner.abort()
        self.hints.forget(runner.picture)

    def _hear_free(self) -> None:
        """Calls were given back, or their worker died; the sweep would find them too, only later."""
        self._free.ring()

    def _hear_followed(self, groups: Collection[str]) -> None:
        """Pages have begun to follow calls or tenants."""
        self.hints.welcome(groups, (runner.picture for runner in self._runners.values()))

    def _hear_command(self, call: int) -> None:
        """An operator asked something of a call; the renewal would find it too, only later."""
        if call in self._leases:
            self._spawn_quietly(self._claim([call]))

    def _spawn_quietly(self, work: Coroutine[Any, Any, None]) -> None:
        self._spawn(self._quietly(work))

    async def _quietly(self, work: Coroutine[Any, Any, None]) -> None:
        with contextlib.suppress(*AWAY):  # the sweep and the renewal do the same again
            await work

    async def _claim(self, calls: list[int]) -> None:
        """Claim what operators asked of calls that are being watched."""
        watched = [self._leases[call] for call in calls if call in self._runners and call in self._leases]
        if watched:
            await claims.claim(self.lease_pool, self.owner, watched, self._runners, self.writer)

    async def _hand_over(self, loops: list[asyncio.Task[None]]) -> None:
        """Stop reading, store what waits, give all calls back at once, tell the others, then close."""
        await _ended(loops)
        await _ended(self._tasks)
        try:
            await self._drain()
        finally:  # whatever became of the rest: the calls are given back
            with contextlib.suppress(*AWAY):
                async with asyncio.timeout(RELEASE_S), self.lease_pool.connection() as connection:
                    given = await leases.release(connection, self.owner)
                    await leases.leave(connection, self.owner)
                logger.info("handed over", extra={"calls": given})
        await self.clients.aclose()
        await self.pool.close()
        await self.lease_pool.close()

    async def _drain(self) -> None:
        """Store what waits. Where that does not work at once it is kept in the spool, then tried again for a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                if not await self.writer.flush():
                    await self.writer.keep()
                    while not await self.writer.flush():  # noqa: ASYNC110  each round is a try, not a look
                        await asyncio.sleep(LISTEN_RETRY_S)
        if waiting := self.writer.waiting:
            kept = await self.writer.keep()
            logger.error("changes could not be stored before the end", extra={"changes": waiting, "in_spool": kept})
        await self.writer.close()


async def _ended(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel them until they end: before Python 3.12 `asyncio.wait_for` may swallow a cancellation, and psycopg uses
    it."""
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=CANCEL_AGAIN_S)
