"""All calls of a source: who plays which conversation from when on, and what is due when.

Bounds: a socket with more than BACKLOG_BYTES unsent is dropped, as the provider does with a reader that is too slow.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal

import orjson

from benchmarks.source.conversations import Conversation
from calls.simulator import wire
from calls.simulator.identifiers import Mint
from calls.simulator.ledger import Ledger
from calls.simulator.sideband import BACKLOG_BYTES, framed

SETUP_S = 0.3
"""From the accept to a leg that can be attached to"""
RINGS_S = 30.0
PHASE_S, PHASE_STEP_S = 10.0, 3.7
"""A conversation begins up to so much after its first socket, so that a thousand calls do not greet in one chorus"""
FLUSH_S = 0.5
SENT = struct.Struct("<dIII")
"""In the file of what was sent: wall time, number of the call, index of the frame, microseconds that it came late"""

Leg = Literal["ringing", "setting_up", "live", "ended"]


@dataclass(slots=True, eq=False)
class Played:
    """One call."""

    number: int
    id: str
    conversation: int
    leg: Leg = "ringing"
    sockets: list[asyncio.Transport] = field(default_factory=list)
    begun: float = 0.0
    """Of the loop's clock, at its first socket; zero before"""
    place: int = 0


class Playing:
    """The calls of one provider."""

    def __init__(self, conversations: Sequence[Conversation], ledger: Ledger, sent: Path) -> None:
        self.calls: dict[str, Played] = {}
        self.frames = 0
        """Sent so far to somebody"""
        self.ended: Callable[[Played], None] = lambda call: None
        self._conversations = conversations
        self._wires = [[framed(raw) for raw in one.frames] for one in conversations]
        self._ledger = ledger
        self._file: BinaryIO = sent.open("wb")
        self._noted = bytearray()
        self._due: list[tuple[float, int, Played]] = []
        self._numbers = itertools.count()
        self._mint = Mint()
        self._loop = asyncio.get_running_loop()

    def ring(self) -> Played:
        number = next(self._numbers)
        call = Played(number, self._mint.call(), number % len(self._conversations))
        self.calls[call.id] = call
        self._ledger.write("mark", call_id=call.id, state="ringing", number=number, conversation=call.conversation)
        self._loop.call_later(RINGS_S, self._give_up, call)
        return call

    def open(self) -> Played:
        """A call that was accepted long ago."""
        call = self.ring()
        call.leg = "live"
        return call

    def _give_up(self, call: Played) -> None:
        if call.leg == "ringing":
            self.end(call, "never_accepted")

    def accept(self, call: Played) -> None:
        call.leg = "setting_up"
        self._loop.call_later(SETUP_S, self._go_live, call)

    def _go_live(self, call: Played) -> None:
        if call.leg == "setting_up":
            call.leg = "live"

    def attach(self, call: Played, socket: asyncio.Transport) -> None:
        """A first socket begins the conversation; without one, what is due is lost, as at the provider."""
        call.sockets.append(socket)
        if not call.begun:
            call.begun = self._loop.time() + call.number * PHASE_STEP_S % PHASE_S
            heapq.heappush(self._due, (call.begun + self._conversations[call.conversation].times[0], call.number, call))

    def detach(self, call: Played, socket: asyncio.Transport) -> None:
        if socket in call.sockets:
            call.sockets.remove(socket)

    def retrieved(self, call: Played, item_id: str) -> bytes:
        """The frame that answers `conversation.item.retrieve`."""
        for raw in reversed(self._conversations[call.conversation].frames[: call.place]):
            if item_id.encode() in raw and b'"conversation.item.done"' in raw[:80]:
                item = orjson.loads(raw)["item"]
                event = {"type": "conversation.item.retrieved", "event_id": self._mint.event(), "item": item}
                return framed(orjson.dumps(event))
        message = f"Item with id '{item_id}' not found."
        return framed(orjson.dumps(wire.error("item_not_found", message, param="item_id")))

    def end(self, call: Played, outcome: str) -> None:
        if call.leg == "ended":
            return
        call.leg = "ended"
        self._ledger.write("mark", call_id=call.id, state="ended", outcome=outcome)
        for socket in call.sockets:
            socket.close()
        del self.calls[call.id]
        self.ended(call)

    async def keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            self.flush()

    def flush(self) -> None:
        taken, self._noted = self._noted, bytearray()
        self._file.write(taken)
        self._file.flush()

    def send_due(self, now: float) -> float:
        """Send what is due at this time of the loop; returns when the next frame is."""
        due, wall = self._due, time.time()
        while due and due[0][0] <= now:
            at, number, call = due[0]
            if call.leg == "ended":
                heapq.heappop(due)
                continue
            if call.sockets:
                self._write(call)
                self.frames += 1
                self._noted += SENT.pack(wall, number, call.place, min(int((now - at) * 1e6), 2**32 - 1))
            call.place += 1
            times = self._conversations[call.conversation].times
            if call.place == len(times):
                heapq.heappop(due)
                self.end(call, "caller_hang_up")
            else:
                heapq.heapreplace(due, (call.begun + times[call.place], number, call))
        return due[0][0] if due else math.inf

    def _write(self, call: Played) -> None:
        wire = self._wires[call.conversation][call.place]
        for socket in call.sockets:
            if socket.get_write_buffer_size() > BACKLOG_BYTES:
                socket.abort()
            else:
                socket.write(wire)
