"""Plays a script on a call: makes the caller speak, the agent answer and things go wrong, step by step.

Leaves all bookkeeping to the call; gives way to what clients make happen meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from calls.simulator import script, usage, voice, wire
from calls.simulator.call import Call
from calls.simulator.conversation import Item
from calls.simulator.response import Plan, Response, ToolRequest
from calls.simulator.script import Step

LATE_SECONDS = 5.0
CLIENT_CONTINUES_WITHIN = 2.5
TRANSCRIPTION_PIECE_SECONDS = 0.045


class Play:
    """One script on one call."""

    def __init__(self, call: Call, steps: Sequence[Step]) -> None:
        self.call = call
        self.steps = steps

    async def run(self) -> None:
        """Play to the end, where the caller hangs up if nobody else did."""
        await self.call.live.wait()
        for step in await self._greet():
            await self._do(step)
            if self.call.ended.is_set():
                return
        await self._quiet(0.8)
        self.call.end("caller_hang_up")

    async def _greet(self) -> Sequence[Step]:
        """The application greets once it is attached, by a `response.create` of its own or else by the script.

        Returns the steps that are left.
        """
        call, greeting = self.call, self.steps[0] if self.steps else None
        if not isinstance(greeting, script.Agent) or greeting.interrupted:
            greeting = None
        call.continuation = greeting.text if greeting else None
        await call.clock.wait(call.attended, call.birth.greeting_waits)
        await call.clock.sleep(call.dice.uniform(0.3, 0.9))
        if greeting and call.continuation is None:
            return self.steps[1:]
        call.continuation = None
        return self.steps

    async def _do(self, step: Step) -> None:
        call, clock = self.call, self.call.clock
        match step:
            case script.Agent():
                await self._agent(step)
            case script.Caller():
                if not step.barges_in:
                    await self._quiet(step.pause * call.dice.uniform(0.7, 1.5))
                await self._caller(step.text, step.hearing)
            case script.Noise():
                if not step.barges_in:
                    await self._quiet(0.8)
                await self._caller("", "completed")
            case script.Tool():
                await self._tool(step)
            case script.Whisper():
                call.respond(Plan(step.text, aloud=False, in_conversation=False, metadata=dict(step.metadata) or None))
            case script.Fail():
                await self._over(await self._respond(Plan(failure=(step.code, step.message))))
            case script.Incomplete():
                await self._over(await self._respond(Plan(step.text, limit=step.reason)))
            case script.Keys():
                await self._keys(step.keys)
            case script.Silence():
                await self._silence(step.seconds)
            case script.Pause():
                await clock.sleep(step.seconds)
            case script.Drop():
                call.drop(step.code, reset=step.reset)
            case script.AwaitTransfer():
                if await clock.wait(call.transfer_asked, step.seconds):
                    await clock.sleep(step.seconds)
            case script.Expire():
                call.expire()
            case script.HangUp():
                call.end("caller_hang_up")

    async def _quiet(self, pause: float) -> None:
        """Wait until nobody has spoken for so long; an operator may make the agent speak meanwhile."""
        while True:
            await self.call.quiet.wait()
            await self.call.clock.sleep(pause)
            if self.call.quiet.is_set():
                return

    async def _respond(self, plan: Plan) -> Response:
        """Start a response as soon as none is running."""
        while (active := self.call.active) is not None:
            await active.finished.wait()
        return self.call.respond(plan)

    async def _over(self, response: Response) -> None:
        await response.finished.wait()

    async def _agent(self, step: script.Agent) -> None:
        call, clock = self.call, self.call.clock
        plan = call.plan_reply(step.text)
        if step.interrupted in ("before_speech", "generating"):
            middle = len(voice.pieces(plan.text)) // 2
            plan = Plan(plan.text, hold_at=0 if step.interrupted == "before_speech" else middle)
            response = await self._respond(plan)
            # A client may cut it first, which ends the wait too.
            await response.held.wait()
            return
        response = await self._respond(replace(plan, hold_sound=step.interrupted == "playing"))
        await response.finished.wait()
        if step.interrupted == "playing":
            await clock.sleep(voice.seconds(plan.text) * call.dice.uniform(0.1, 0.4))

    async def _caller(self, text: str, hearing: script.Hearing) -> None:
        call = self.call
        item = Item(call.mint.item(), "message", "user", text=text, spoken=True, started_at=time.time())
        call.emit(wire.speech_started(item.id, call.heard_ms()))
        call.interrupt()
        await call.clock.sleep(voice.seconds(text) or 0.4)
        call.emit(wire.speech_stopped(item.id, call.heard_ms()))
        self._commit(item, hearing)

    def _commit(self, item: Item, hearing: script.Hearing) -> None:
        call = self.call
        call.emit(wire.committed(item.id, call.conversation.last_id()))
        previous = call.conversation.add(item)
        item.transcription = "missing"
        item.added_seen = call.emit(wire.item_added(item.as_sent(), previous))
        seen = call.emit(wire.item_done(item.as_sent(), previous))
        if call.session["audio"]["input"]["transcription"] is None:
            item.final(time.time(), seen)
        elif hearing != "missing":
            call.spawn(self._transcribe(item, hearing))

    async def _transcribe(self, item: Item, hearing: script.Hearing) -> None:
        """The words of the caller, from another model and on its own time."""
        call, clock = self.call, self.call.clock
        await clock.sleep(LATE_SECONDS if hearing == "late" else call.dice.uniform(0.15, 0.4))
        if hearing == "failed":
            message = f"Input transcription failed for item '{item.id}'."
            item.transcription = "failed"
            frame = wire.transcription_failed(item.id, "transcription_failed", message)
            item.final(time.time(), call.emit(frame))
            return
        for piece in voice.pieces(item.text):
            call.emit(wire.transcription_delta(item.id, piece, call.mint.padding(piece)))
            await clock.nap(TRANSCRIPTION_PIECE_SECONDS)
        await clock.sleep(0.15)
        settings = call.session["audio"]["input"]["transcription"] or {}
        spent = usage.transcription(settings.get("model") or "whisper-1", item.text, voice.seconds(item.text))
        item.transcription = "completed"
        seen = call.emit(wire.transcription_completed(item.id, item.text, spent))
        item.final(time.time(), seen)
        call.tally.transcription(item.id, spent, at=time.time(), seen=seen)

    async def _tool(self, step: script.Tool) -> None:
        call, clock = self.call, self.call.clock
        call.tool_answered.clear()
        response = await self._respond(Plan(step.filler, tool=ToolRequest(step.name, step.arguments)))
        await response.finished.wait()
        if response.tool_call is None or response.status != "completed":
            return
        call.continuation = step.then
        if await clock.wait(call.tool_answered, step.latency):
            # Somebody answers the tools of this call: theirs is the next word, for a while.
            deadline = clock.elapsed() + CLIENT_CONTINUES_WITHIN
            while call.awaits_continuation() and clock.elapsed() < deadline:
                await clock.sleep(0.05)
        else:
            self._answer_tool(response.tool_call, step.output)
        if (text := call.take_continuation()) is not None:
            await self._agent(script.Agent(text))
        elif call.active is not None:
            await call.active.finished.wait()

    def _answer_tool(self, asked: Item, output: str) -> None:
        call = self.call
        item = Item(call.mint.item(), "tool_output", "tool", tool_call_id=asked.tool_call_id, output=output)
        item.started_at = time.time()
        previous = call.conversation.add(item)
        item.added_seen = call.emit(wire.item_added(item.as_sent(), previous))
        item.final(time.time(), call.emit(wire.item_done(item.as_sent(), previous)))

    async def _keys(self, keys: str) -> None:
        await self._quiet(0.5)
        for key in keys:
            self.call.emit(wire.dtmf(key, int(time.time())))
            await self.call.clock.sleep(0.35)

    async def _silence(self, seconds: float) -> None:
        """The idle timeout of the voice detection: an empty turn is committed and the agent speaks up."""
        await self._quiet(0.2)
        call = self.call
        start = call.heard_ms()
        await call.clock.sleep(seconds)
        item = Item(call.mint.item(), "message", "user", spoken=True, started_at=time.time())
        call.emit(wire.timeout_triggered(item.id, start, call.heard_ms()))
        self._commit(item, "completed")
