"""One response of the agent, from `response.created` to `response.done`, in the recorded order.

Says what it was planned to say; knows no script and no client.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calls.simulator import usage, voice, wire
from calls.simulator.conversation import Item
from calls.simulator.wire import Json

if TYPE_CHECKING:
    from calls.simulator.call import Call

SOUND_AFTER_PIECES = 2
"""Words arrive before their sound starts (recorded)."""
HOLD_SECONDS = 3600.0
"""A held response waits for its interruption, however late a busy machine brings it."""
AUDIO_DELTA = "UklGRiQAAABXQVZFZm10IBAAAAABAAEA" * 8


@dataclass(frozen=True, slots=True)
class ToolRequest:
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a response is going to do."""

    text: str = ""
    tool: ToolRequest | None = None
    aloud: bool = True
    in_conversation: bool = True
    metadata: dict[str, str] | None = None
    failure: tuple[str, str] | None = None
    limit: str | None = None
    hold_at: int | None = None
    """Stop generating at this piece of text until somebody cuts in; 0 is before the item."""
    hold_sound: bool = False
    """Let the sound go on until somebody cuts in."""
    pieces_per_s: float = 0.0
    """Of real time, in tens; 0: at the pace of the recordings"""


class Response:
    """A running response. `finished` is set with its `response.done`."""

    def __init__(self, call: Call, plan: Plan) -> None:
        self.id = call.mint.response()
        self.plan = plan
        self.status = "in_progress"
        self.speaking: Item | None = None
        """The message that is being generated."""
        self.tool_call: Item | None = None
        self.held = asyncio.Event()
        self.finished = asyncio.Event()
        self._call = call
        self._items: list[Item] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._call.emit(wire.response("created", self._body()))
        self._task = self._call.spawn(self._generate())

    def cut(self, reason: str) -> None:
        """End it now, with what was generated so far."""
        if self.status != "in_progress":
            return
        if self._task is not None:
            self._task.cancel()
        if self.speaking is not None:
            self._end_message("incomplete")
        if self.tool_call is not None and self.tool_call.status == "in_progress":
            self._end_tool_call("incomplete")
        self._finish("cancelled", {"type": "cancelled", "reason": reason})

    async def _generate(self) -> None:
        plan, clock = self.plan, self._call.clock
        await clock.sleep(self._call.dice.uniform(0.25, 0.55))
        if plan.failure is not None:
            code, message = plan.failure
            error = {"type": "server_error", "code": code, "message": message}
            self._finish("failed", {"type": "failed", "error": error})
            return
        if plan.hold_at == 0:
            await self._hold()
        if plan.text:
            await self._say(plan.text)
        if plan.tool is not None:
            await self._ask_tool(plan.tool)
        if plan.limit is None:
            self._finish("completed", None)
        else:
            self._finish("incomplete", {"type": "incomplete", "reason": plan.limit})

    async def _hold(self) -> None:
        self.held.set()
        await self._call.clock.sleep(HOLD_SECONDS)

    async def _say(self, text: str) -> None:
        call, plan = self._call, self.plan
        item = self.speaking = Item(call.mint.item(), "message", "assistant", status="in_progress", spoken=plan.aloud)
        self._open(item)
        empty = {"type": "audio", "transcript": ""} if plan.aloud else {"type": "text", "text": ""}
        self._part("content_part.added", part=empty)
        pieces = voice.pieces(text)
        if plan.limit is not None:
            pieces = pieces[: max(1, len(pieces) * 3 // 5)]
        kind = "output_audio_transcript.delta" if plan.aloud else "output_text.delta"
        sound_at = min(SOUND_AFTER_PIECES, len(pieces) - 1)
        for n, piece in enumerate(pieces):
            if n and n == plan.hold_at:
                await self._hold()
            item.text += piece
            self._part(kind, delta=piece, obfuscation=call.mint.padding(piece))
            if n == sound_at and plan.aloud and plan.in_conversation:
                call.start_sound(self, item)
            if call.audio_deltas and plan.aloud and n % 4 == 0:
                self._part("output_audio.delta", delta=AUDIO_DELTA)
            if not plan.pieces_per_s:
                await call.clock.nap(1 / voice.TOKENS_PER_SECOND_GENERATED)
            elif n % 10 == 9:
                await asyncio.sleep(10 / plan.pieces_per_s)
        self._end_message("completed" if plan.limit is None else "incomplete")

    def _end_message(self, status: str) -> None:
        item = self.speaking
        if item is None:
            return
        if item.spoken:
            self._part("output_audio.done")
            self._part("output_audio_transcript.done", transcript=item.text)
            self._part("content_part.done", part={"type": "audio", "transcript": item.text})
        else:
            self._part("output_text.done", text=item.text)
            self._part("content_part.done", part={"type": "text", "text": item.text})
        item.status = status
        item.cut_off = item.cut_off or status == "incomplete"
        self.speaking = None
        self._close(item)

    async def _ask_tool(self, request: ToolRequest) -> None:
        call = self._call
        item = self.tool_call = Item(
            call.mint.item(),
            "tool_call",
            "assistant",
            status="in_progress",
            name=request.name,
            tool_call_id=call.mint.tool_call(),
            arguments="",
        )
        self._open(item)
        for piece in voice.pieces(request.arguments):
            item.arguments = (item.arguments or "") + piece
            self._arguments("delta", item, delta=piece, obfuscation=call.mint.padding(piece))
            await call.clock.nap(0.02)
        self._end_tool_call("completed")

    def _end_tool_call(self, status: str) -> None:
        item = self.tool_call
        if item is None:
            return
        self._arguments("done", item, name=item.name, arguments=item.arguments)
        item.status = status
        item.cut_off = status == "incomplete"
        self._close(item)

    def _open(self, item: Item) -> None:
        call = self._call
        item.started_at = time.time()
        call.emit(wire.output_item("added", self.id, len(self._items), item.as_sent()))
        self._items.append(item)
        if self.plan.in_conversation:
            previous = call.conversation.add(item)
            item.added_seen = call.emit(wire.item_added(item.as_sent(), previous))

    def _close(self, item: Item) -> None:
        call = self._call
        if self.plan.in_conversation:
            # The provider sends no previous id here, though it did with the `added` (recorded).
            item.final(time.time(), call.emit(wire.item_done(item.as_sent(), None)))
        call.emit(wire.output_item("done", self.id, self._items.index(item), item.as_sent()))

    def _part(self, kind: str, **fields: object) -> None:
        if self.speaking is not None:
            index = self._items.index(self.speaking)
            self._call.emit(wire.part(kind, self.id, self.speaking.id, index, **fields))

    def _arguments(self, kind: str, item: Item, **fields: object) -> None:
        index = self._items.index(item)
        frame = wire.arguments(kind, self.id, item.id, index, call_id=item.tool_call_id, **fields)
        self._call.emit(frame)

    def _finish(self, status: str, details: Json | None) -> None:
        call = self._call
        self.status = status
        spent = usage.nothing() if status == "failed" else self._spent()
        seen = call.emit(wire.response("done", self._body(details, spent)))
        call.tally.response(self.id, status, spent, at=time.time(), seen=seen)
        call.emit(wire.rate_limits(spent["total_tokens"]))
        call.response_ended(self)
        self.held.set()
        self.finished.set()

    def _spent(self) -> Json:
        text = audio = 0
        for item in self._items:
            text += voice.text_tokens(item.text or item.arguments or "")
            if item.spoken:
                audio += round(voice.seconds(item.text) * voice.AGENT_TOKENS_PER_SECOND)
        return self._call.meter.response(self._call.conversation, self._call.session["instructions"] or "", text, audio)

    def _body(self, details: Json | None = None, spent: Json | None = None) -> Json:
        call, plan = self._call, self.plan
        output = {key: call.session["audio"]["output"][key] for key in ("format", "voice")}
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": details,
            "output": [item.as_sent() for item in self._items if self.status != "in_progress"],
            "conversation_id": call.conversation_id if plan.in_conversation else None,
            "output_modalities": ["audio"] if plan.aloud else ["text"],
            "max_output_tokens": call.session["max_output_tokens"],
            "audio": {"output": output},
            "usage": spent,
            "metadata": plan.metadata,
        }
