"""One call on the loop: feed the session, carry out its steps. The rules are in calls.domain.session."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from calls.actions.ingest import CallRef
from calls.domain.changes import CallStateChanged, FloorChanged, Numbered, PartialText, QuietChanged, TurnChanged
from calls.domain.commands import Command
from calls.domain.events import Ignored
from calls.domain.inputs import CommandClaimed, ControlAnswered, Detached, Input, NotSent, Resumed, Sent, Tick
from calls.domain.outgoing import ControlCall, SendEvent
from calls.domain.session import Session, Step
from calls.domain.states import LIVE
from calls.exceptions import ProviderBusy, ProviderError, ProviderGone, ProviderUnreachable
from calls.providers.client import ControlClient
from calls.providers.realtime import decode, encode
from calls.sideband.connection import TOO_BIG, Closed, Sideband
from calls.sideband.hints import Hints, Picture
from calls.sideband.outbox import Outbox
from calls.sideband.writer import Writer

logger = logging.getLogger(__name__)

OVERSIZED = 3
"""Frames beyond the bound that are remembered"""

_LEASE_OVER = "the lease of the call may be over"
_LINE_DOWN = "the line to the provider is down"


@dataclass(slots=True)
class Frames:
    """What came over the sidebands of a process that should not have, since its start."""

    odd: int = 0
    """Unrecognised, malformed or out of order"""
    oversized: int = 0


class Shell(Protocol):
    """What a runner needs of its process."""

    writer: Writer
    hints: Hints
    frames: Frames

    def may_send(self) -> bool:
        """False once the lease may have run out: somebody else may own the call."""


class Runner:
    """Feeds one session and carries out what it wants. `over` is set when the call has ended."""

    def __init__(self, ref: CallRef, call_id: str, session: Session, control: ControlClient, shell: Shell) -> None:
        self.ref = ref
        self.call_id = call_id
        self.session = session
        self.control = control
        self.over = asyncio.Event()
        self.oversized_at: tuple[float, ...] = ()
        """When the latest frames beyond the bound closed the socket; at most OVERSIZED"""
        self._shell = shell
        self.picture = Picture(ref, session.growing)
        self._sideband: Sideband | None = None
        self._outbox = Outbox()
        self._timer: asyncio.TimerHandle | None = None
        self._wake_at: datetime | None = None
        self._oddities = 0

    @property
    def has_ended(self) -> bool:
        """The call itself, not only its watch."""
        return self.session.state not in LIVE

    def feed(self, given: Input, at: datetime | None = None) -> None:
        """Tell the session something, which happened just now or `at`, and carry out its step."""
        if self.over.is_set():
            return
        now = datetime.now(UTC)
        self._apply(self.session.advance(given, at or now), now)

    def command(self, command: Command) -> None:
        self.feed(CommandClaimed(command))

    async def read(self, sideband: Sideband) -> None:
        """Read until the socket closes; the session is told of it."""
        self._sideband = sideband
        begun = datetime.now(UTC)
        try:
            while not self.over.is_set():
                await sideband.listen(self._take)
                await self._shell.writer.room()
        except Closed as closed:
            if closed.code == TOO_BIG:
                self._shell.frames.oversized += 1
                self.oversized_at = (*self.oversized_at, time.monotonic())[-OVERSIZED:]
            # A socket that fell silent was lost with its last frame, not when the silence was noticed.
            last = max(begun, self.ref.heard_at or begun)
            self.feed(Detached(closed.code, closed.reason), last if closed.silent else None)
        finally:
            self._sideband = None

    def _take(self, raw: bytes) -> bool:
        """One frame; False where there is no room for more, or no need."""
        now = self.ref.heard_at = datetime.now(UTC)
        writer = self._shell.writer
        writer.heard(self.ref)
        event = decode(raw)
        if type(event) is not Ignored:
            self._apply(self.session.advance(event, now), now)
        return writer.roomy and not self.over.is_set()

    async def carry_out(self) -> None:
        """Send what the session wants sent, in order, and tell it what went out; runs beside `read` until the end."""
        while True:
            outgoing = await self._outbox.take()
            if self.over.is_set():
                return
            if not self.may_send():
                logger.warning("not sent: the lease may be over", extra={"call": str(self.ref.code)})
                self.feed(NotSent(outgoing, _LEASE_OVER))
            elif isinstance(outgoing, SendEvent):
                self.feed(await self._send(outgoing))
            else:
                # From here on nobody can tell whether it arrived.
                self.feed(Sent(outgoing))
                self.feed(await self._control(outgoing))

    def may_send(self) -> bool:
        """False once the lease may have run out: nothing is asked of the provider then."""
        return self._shell.may_send()

    def resume(self, last_event_at: datetime | None) -> None:
        self.feed(Resumed(last_event_at))

    def abort(self) -> None:
        """Let go at once: the call is over, or somebody else's now. Nothing is fed, written or sent any more."""
        self._cancel_timer()
        self.over.set()
        if self._sideband is not None:
            self._sideband.abort()

    def _apply(self, step: Step, now: datetime) -> None:
        numbered: list[Numbered] = []
        columns: dict[str, Any] = {}
        hinted = False
        for change in step.changes:
            if isinstance(change, PartialText | FloorChanged | QuietChanged):
                columns |= self.picture.take_hint(change)
                hinted = True
                continue
            numbered.append(change)
            if isinstance(change, TurnChanged):
                columns |= self.picture.take_turn(change)
                hinted = True
            elif isinstance(change, CallStateChanged) and change.state not in LIVE:
                self.abort()
        if odd := self.session.oddities.total() - self._oddities:
            columns["oddities"] = odd
            self._oddities += odd
            self._shell.frames.odd += odd
        if numbered or columns:
            self._shell.writer.put(self.ref, numbered, columns)
        if hinted:
            self._shell.hints.mark(self.picture)
        for outgoing in step.outgoing:
            self._outbox.put(outgoing)
        self._wake(step.wake_at, now)

    def _wake(self, at: datetime | None, now: datetime) -> None:
        if at == self._wake_at:
            return
        self._cancel_timer()
        if at is not None and not self.over.is_set():
            self._wake_at = at
            wait = max(0.0, (at - now).total_seconds())
            self._timer = asyncio.get_running_loop().call_later(wait, self._tick)

    def _tick(self) -> None:
        self._wake_at = None
        self.feed(Tick())

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._wake_at = None

    async def _send(self, outgoing: SendEvent) -> Sent | NotSent:
        sideband = self._sideband
        if sideband is None:
            return NotSent(outgoing, _LINE_DOWN)
        try:
            await sideband.send(encode(outgoing.event))
        except Closed:
            return NotSent(outgoing, _LINE_DOWN)
        return Sent(outgoing)

    async def _control(self, wanted: ControlCall) -> ControlAnswered:
        try:
            if wanted.verb == "refer":
                await self.control.refer(self.call_id, wanted.target)
            else:
                await self.control.hang_up(self.call_id)
        except ProviderGone as error:
            return ControlAnswered(wanted.command_id, "gone", error.reason)
        except ProviderUnreachable as error:
            return ControlAnswered(wanted.command_id, "unknown", error.reason)
        except ProviderBusy as error:
            # A 5xx to a hang-up may have worked and may be repeated; a transfer must not be done twice.
            return ControlAnswered(
                wanted.command_id, "unknown" if wanted.verb == "hang_up" else "refused", error.reason
            )
        except ProviderError as error:
            return ControlAnswered(wanted.command_id, "refused", error.reason)
        return ControlAnswered(wanted.command_id, "ok")
