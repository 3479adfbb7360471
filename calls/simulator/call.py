"""One simulated call: its leg, its sockets, its conversation, and who may speak.

Offers what a script or a client can make happen; decides nothing about the talk itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Literal

import orjson

from calls.simulator import sessions, strikes, truth, wire
from calls.simulator.clock import Clock
from calls.simulator.conversation import Conversation, Item
from calls.simulator.faults import Fault, Faults
from calls.simulator.identifiers import Mint
from calls.simulator.ledger import Ledger
from calls.simulator.playback import Playback
from calls.simulator.response import Plan, Response
from calls.simulator.sideband import Sideband
from calls.simulator.usage import Meter, Tally
from calls.simulator.webhooks import Invitation
from calls.simulator.wire import Json

Leg = Literal["ringing", "setting_up", "live", "dead", "ended"]
LONGEST_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Birth:
    """What a call is made of."""

    invitation: Invitation
    account: int
    scenario: str
    clock: Clock
    dice: Random
    ledger: Ledger
    faults: tuple[Faults, Faults]
    """The call's own, and the provider's."""
    announces_session: bool = False
    audio_deltas: bool = False
    greeting_waits: float = 4.0
    """Seconds that the first word waits for a first socket."""


class Call:
    """A call from its first ring until its truth is written."""

    def __init__(self, birth: Birth) -> None:
        self.birth = birth
        self.id = birth.invitation.call_id
        self.clock, self.dice, self.ledger = birth.clock, birth.dice, birth.ledger
        self.audio_deltas = birth.audio_deltas
        self.mint = Mint()
        self.session = sessions.fresh(self.mint.session())
        self.conversation_id = self.mint.conversation()
        self.conversation = Conversation()
        self.meter, self.tally = Meter(), Tally()
        self.sockets: set[Sideband] = set()
        self.leg: Leg = "ringing"
        self.outcome: str | None = None
        self.accepts = 0
        self.hanging_up = False
        self.frames = 0
        self.started_at, self.answered_at, self.ended_at = time.time(), 0.0, 0.0
        self.active: Response | None = None
        self.beside: dict[str, Response] = {}
        """Responses outside the conversation."""
        self.playback = Playback(self)
        self.has_spoken = False
        self.notes: list[str] = []
        """What the agent was told and has not yet shown to have heard."""
        self.continuation: str | None = None
        """What the agent says once its tool was answered, until somebody makes it say so."""
        self.live, self.ended, self.quiet = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.tool_answered, self.transfer_asked = asyncio.Event(), asyncio.Event()
        self.attended = asyncio.Event()
        self.quiet.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._live_since = 0.0
        self._cap: asyncio.TimerHandle | None = None

    # -- faults and tasks

    def fault(self, name: str) -> Json | None:
        """The options of a fault that is to strike now, the call's own first."""
        own, common = self.birth.faults
        found = own.take(name)
        return common.take(name) if found is None else found

    def spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Run something that ends with the call at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def strike(self, fault: Fault) -> None:
        strikes.strike(self, fault)

    # -- sockets

    def attach(self, sideband: Sideband) -> None:
        self.sockets.add(sideband)
        self.attended.set()
        self.mark("attached", sockets=len(self.sockets))
        if self.birth.announces_session:
            # Only to the newcomer, but recorded like any frame.
            self._send(wire.session("created", self.session), {sideband})

    def detach(self, sideband: Sideband) -> None:
        self.sockets.discard(sideband)
        self.mark("detached", sockets=len(self.sockets))

    def emit(self, frame: Json) -> bool:
        """Send a frame to every socket; tells whether anybody was attached."""
        return self._send(frame, self.sockets)

    def _send(self, frame: Json, sockets: set[Sideband]) -> bool:
        if self.leg == "ended":
            return False
        kind = frame["type"]
        if kind in wire.FROM_MEDIA_LAYER:
            frame["event_id"] = self.mint.media_event()
        elif kind not in wire.WITHOUT_EVENT_ID:
            frame["event_id"] = self.mint.event()
        raw = orjson.dumps(frame)
        heard = sum(sideband.send(raw) for sideband in sockets)
        self.frames += 1
        self.ledger.frame(self.id, heard, frame, raw)
        return heard > 0

    def drop(self, code: int, reason: str = "", *, reset: bool = False) -> None:
        """Close every socket while the call lives on."""
        self.mark("dropped", code=code, sockets=len(self.sockets))
        for sideband in list(self.sockets):
            if code == 1006:
                sideband.drop(reset=reset)
            else:
                sideband.close(code, reason)
            self.sockets.discard(sideband)

    # -- the leg

    def force_session(self, session: Json) -> None:
        """Settings of the session that come with the line, below what `accept` sets."""
        self.session = sessions.changed(self.session, session)

    def accept(self, session: Json) -> None:
        """Take the call; the leg is set up a moment later, or never if the session is bad."""
        self.accepts += 1
        self.answered_at = time.time()
        if sessions.problem(session) is not None or self.fault("accept_dead") is not None:
            self.leg = "dead"
            self.mark("dead")
            self.clock.later(30, lambda: self.end("dead_leg"))
            return
        self.leg = "setting_up"
        self.session = sessions.changed(self.session, session)
        self.mark("accepted")
        self.clock.later(self.dice.uniform(0.2, 0.7), self._go_live)

    def _go_live(self) -> None:
        if self.leg != "setting_up":
            return
        self.leg = "live"
        self._live_since = self.clock.elapsed()
        self._cap = self.clock.later(LONGEST_SECONDS, self.expire)
        self.mark("live")
        self.live.set()
        for fault in self.birth.faults[0].strikes():
            self.clock.later(float(fault.options.get("after_s", 6)), partial(self.strike, fault))

    def expire(self) -> None:
        message = "Your session hit the maximum duration of 60 minutes."
        self.emit(wire.error("session_expired", message))
        self.end("session_cap", code=1001, reason=message)

    def end(self, outcome: str, *, code: int = 1006, reason: str = "") -> None:
        """End the call for good: sockets closed, truth written; whatever was pending is never sent."""
        if self.leg == "ended":
            return
        self.drop(code, reason)
        self.leg, self.outcome, self.ended_at = "ended", outcome, time.time()
        self.mark("ended", outcome=outcome)
        current = asyncio.current_task()
        for task in list(self._tasks):
            if task is not current:
                task.cancel()
        self.playback.stop()
        if self._cap is not None:
            self._cap.cancel()
        self.ledger.write("truth", **truth.told(self))
        self.ended.set()

    def mark(self, state: str, **facts: object) -> None:
        self.ledger.write("mark", call_id=self.id, state=state, **facts)

    def heard_ms(self) -> int:
        """The provider counts the caller's sound since the session began."""
        return round((self.clock.elapsed() - self._live_since) * 1000)

    # -- who speaks

    def respond(self, plan: Plan) -> Response:
        """Start a response. The caller of this function sees to it that none is active."""
        response = Response(self, plan)
        if plan.metadata:
            self.mark("responding", response_id=response.id, metadata=plan.metadata)
        if plan.in_conversation:
            self.active = response
            self.quiet.clear()
        else:
            self.beside[response.id] = response
        response.start()
        return response

    def response_ended(self, response: Response) -> None:
        self.beside.pop(response.id, None)
        if self.active is response:
            self.active = None
            self.playback.drain()
            self.hush()

    def start_sound(self, response: Response, item: Item) -> None:
        self.has_spoken = True
        self.quiet.clear()
        self.playback.add(response, item)

    def hush(self) -> None:
        """Note it if nobody speaks any more."""
        if self.active is None and self.playback.silent():
            self.quiet.set()

    def interrupt(self) -> None:
        """The caller speaks: sound is cut, a response in the making is cancelled."""
        cut = self.playback.silence()
        if self.active is not None:
            self.active.cut("turn_detected")
        self.playback.truncated(cut)

    def awaits_continuation(self) -> bool:
        return self.continuation is not None

    def take_continuation(self) -> str | None:
        text, self.continuation = self.continuation, None
        return text

    def plan_reply(self, text: str) -> Plan:
        """A reply in which the agent also shows what it was told since."""
        notes, self.notes = self.notes, []
        return Plan(" ".join([*notes, text]))
