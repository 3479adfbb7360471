"""Plays a simulated call to its end in no time, watched by the product's own session: how the demo gets a past.

The simulator and `calls.domain.session` know time only as they are told it. Here an event loop tells the one, and
dates of the past tell the other. Stores nothing (calls.actions.past does).
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from calls.actions.ingest import CallRef
from calls.actions.past import PastCall
from calls.domain import inputs
from calls.domain.changes import Hint, TurnChanged
from calls.domain.events import Ignored
from calls.domain.outgoing import Outgoing, SendEvent
from calls.domain.session import Plan, Session, Step
from calls.domain.states import LIVE, CallState, EndReason
from calls.providers.realtime import decode, encode
from calls.sideband.hints import Picture
from calls.simulator import requests
from calls.simulator.call import Call
from calls.simulator.ledger import Ledger
from calls.simulator.provider import Order, Provider
from calls.simulator.sideband import Sideband
from calls.simulator.webhooks import Account, Courier, Invitation

PICK_UP_S = 0.4
REDIAL_S = 1.6
"""As long as a first redial takes"""
GIVEN_UP_S = 30.0
"""As long as a lost sideband is dialled (calls.sideband.backoff)"""
LOST_AFTER_S = 40.0
LIMIT_S = 3_700.0
"""The provider ends any call after an hour; what is not over by then is a fault"""


@dataclass(frozen=True, slots=True)
class Script:
    """Which call is played, and how it is handled."""

    scenario: str
    seed: int
    number: str
    trade: str
    body: Mapping[str, Any]
    """The session that `accept` sends"""
    greeting: str
    began: datetime
    fate: Literal["", "missed", "lost"] = ""
    """missed: the provider took no accept; lost: the sideband broke for good in the middle"""


class _Now(selectors.SelectSelector):
    """Never waits: the time of the loop jumps to whatever comes next."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("nothing will ever happen on this loop again")
        self.seconds += max(0.0, timeout)
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._at = _Now()
        super().__init__(self._at)

    def time(self) -> float:
        return self._at.seconds


class _Undelivered(Courier):
    """The product is told of the call directly."""

    def __init__(self) -> None: ...

    async def deliver(self, invitation: Invitation, *_: object) -> None:
        return


class _Watch(Sideband):
    """Stands where a worker and its socket stand: hears frames, feeds the session, carries out its steps."""

    def __init__(self, script: Script, call: Call, session: Session) -> None:
        self.stalled = False
        self.script = script
        self.call = call
        self.session = session
        self.told = PastCall(call.birth.invitation.caller, script.number, script.began)
        self.closed = asyncio.Event()
        self._picture = Picture(CallRef(0, self.told.code, self.told.code, "", 0))
        self._oddities = 0
        self._timer: asyncio.TimerHandle | None = None

    # What the simulator asks of a socket

    def listening(self) -> bool:
        return not self.closed.is_set()

    def send(self, payload: bytes) -> bool:
        if self.closed.is_set():
            return False
        event = decode(payload)
        self.told.columns["last_event_at"] = self.now()
        if type(event) is not Ignored:
            self.feed(event)
        return True

    def drop(self, *, reset: bool = False) -> None:
        self.close(1006)

    def close(self, code: int, reason: str = "") -> None:
        if not self.closed.is_set():
            self.closed.set()
            self.feed(inputs.Detached(code, reason))

    # What a worker does

    def now(self) -> datetime:
        return self.script.began + timedelta(seconds=asyncio.get_running_loop().time())

    def over(self) -> bool:
        return self.session.state not in LIVE

    def feed(self, given: inputs.Input) -> None:
        if not self.over():
            self._apply(self.session.advance(given, self.now()))

    def _apply(self, step: Step) -> None:
        columns = self.told.columns
        for change in step.changes:
            if isinstance(change, Hint):
                columns |= self._picture.take_hint(change)
                continue
            self.told.changes.append(change)
            if isinstance(change, TurnChanged):
                columns |= self._picture.take_turn(change)
        columns["oddities"] = self.session.oddities.total()
        loop = asyncio.get_running_loop()
        for outgoing in step.outgoing:
            loop.call_soon(self._send, outgoing)
        if self._timer is not None:
            self._timer.cancel()
        if step.wake_at is not None:
            wait = max(0.0, (step.wake_at - self.now()).total_seconds())
            self._timer = loop.call_later(wait, self.feed, inputs.Tick())

    def _send(self, outgoing: Outgoing) -> None:
        # Nobody gave orders in the past, so the session has events to send and nothing to control.
        if isinstance(outgoing, SendEvent) and not self.closed.is_set():
            requests.receive(self.call, encode(outgoing.event))
            self.feed(inputs.Sent(outgoing))
        else:
            self.feed(inputs.NotSent(outgoing, "the line to the provider is down"))


def play(script: Script) -> PastCall:
    """The whole of one call, from its ring to its end."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(_play(script))


async def _play(script: Script) -> PastCall:
    account = Account("", "", "", (script.number,), {script.number: script.trade})
    provider = Provider([account], _Undelivered(), Ledger())
    call = provider.place(Order(scenario=script.scenario, seed=script.seed))
    call.session["expires_at"] = int(script.began.timestamp()) + 3600
    watch = _Watch(script, call, Session(_plan(script)))
    async with asyncio.timeout(LIMIT_S):
        await _attend(watch)
    return watch.told


def _plan(script: Script) -> Plan:
    transcription = script.body["audio"]["input"]["transcription"]
    return Plan(
        model=script.body["model"],
        transcription_model=transcription["model"] if transcription else None,
        transcription_due=transcription is not None,
        greeting=script.greeting or None,
    )


async def _attend(watch: _Watch) -> None:
    """As calls.sideband.attendance does it, where nothing else can go wrong than what the script says."""
    call = watch.call
    if watch.script.fate == "missed":
        await call.ended.wait()
        watch.feed(inputs.GaveUp(CallState.MISSED, EndReason.PROVIDER_UNREACHABLE, "The provider answered 503."))
        return
    await asyncio.sleep(PICK_UP_S)
    call.accept(dict(watch.script.body))
    watch.feed(inputs.Accepted())
    await call.live.wait()
    if watch.script.fate == "lost":
        call.clock.later(LOST_AFTER_S, lambda: call.drop(1006))
    while not watch.over():
        watch.closed.clear()
        call.attach(watch)
        watch.feed(inputs.Attached())
        await watch.closed.wait()
        if call.leg == "ended":
            await asyncio.sleep(REDIAL_S)
            watch.feed(inputs.Gone())
        elif watch.script.fate == "lost":
            await asyncio.sleep(GIVEN_UP_S)
            watch.feed(inputs.GaveUp(CallState.LOST, EndReason.PROVIDER_UNREACHABLE, "The provider answered 503."))
        else:
            await asyncio.sleep(REDIAL_S)
