"""A call on paper: feeds a session inputs at given times and keeps what it answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from calls.domain import changes, events, inputs, outgoing
from calls.domain.commands import Command, Verb
from calls.domain.session import Plan, Session, Step

T = TypeVar("T")

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
PLAN = Plan("gpt-realtime-2.1", "gpt-realtime-whisper", transcription_due=True, greeting=None)
COMMAND = UUID("6f0f5a0e-3c1b-4a55-9d8e-0123456789ab")
TOKENS = events.Tokens(input_text=10, output_text=5, output_audio=100, total=115)


class Talk:
    """`talk(input, ...)` advances 100 ms per input; `talk.wait(seconds)` lets time pass without a tick.

    What the session wants sent goes out at once, as `road` says: `up`, `down`, or `held` up in the runner's hands.
    """

    def __init__(self, plan: Plan = PLAN, *, attached: bool = True, road: str = "up", **rebuilt: Any) -> None:
        self.session = Session(plan, **rebuilt)
        self.at = START
        self.road = road
        self.changes: list[changes.Change] = []
        self.outgoing: list[outgoing.Outgoing] = []
        if attached:
            self(inputs.Attached())
            self.changes.clear()

    def __call__(self, *many: inputs.Input, seconds: float = 0.1) -> Step:
        step = Step()
        for one in many:
            self.at += timedelta(seconds=seconds)
            step = self._advance(one)
            for what in step.outgoing if self.road != "held" else ():
                up = self.road == "up"
                step = self._advance(inputs.Sent(what) if up else inputs.NotSent(what, "the road is closed"))
        return step

    def _advance(self, one: inputs.Input) -> Step:
        step = self.session.advance(one, self.at)
        self.changes += step.changes
        self.outgoing += step.outgoing
        return step

    def tick(self, seconds: float) -> Step:
        return self(inputs.Tick(), seconds=seconds)

    def wait(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def of(self, kind: type[T]) -> list[T]:
        return [change for change in self.changes if isinstance(change, kind)]

    @property
    def turns(self) -> list[changes.Turn]:
        latest = {change.turn.item_id: change.turn for change in self.of(changes.TurnChanged)}
        return sorted(latest.values(), key=lambda turn: turn.rank)

    def turn(self, item_id: str) -> changes.Turn:
        return next(turn for turn in self.turns if turn.item_id == item_id)

    @property
    def order(self) -> list[str]:
        return [turn.item_id for turn in self.turns]

    @property
    def notes(self) -> list[str]:
        return [note.kind for note in self.of(changes.NoteAdded)]

    @property
    def states(self) -> list[tuple[str, str | None]]:
        return [(change.state, change.reason) for change in self.of(changes.CallStateChanged)]

    @property
    def commands(self) -> list[str]:
        return [change.state for change in self.of(changes.CommandChanged)]

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [dict(one.event) for one in self.outgoing if isinstance(one, outgoing.SendEvent)]

    @property
    def control(self) -> list[outgoing.ControlCall]:
        return [one for one in self.outgoing if isinstance(one, outgoing.ControlCall)]

    @property
    def floors(self) -> list[str]:
        return [change.floor.value for change in self.of(changes.FloorChanged)]


def claim(verb: Verb, text: str = "", command_id: UUID = COMMAND) -> inputs.CommandClaimed:
    return inputs.CommandClaimed(Command(command_id, verb, text))


def audio_item(item_id: str, *, transcript: str | None = None, status: str = "completed") -> events.Item:
    return events.Item(item_id, "message", "user", status, (events.Content("audio", transcript),))


def agent_item(item_id: str, text: str | None = None, status: str = "in_progress") -> events.Item:
    content = () if text is None else (events.Content("audio", text),)
    return events.Item(item_id, "message", "assistant", status, content)


def utterance(item_id: str, previous: str | None) -> list[events.Event]:
    """What the provider tells of a caller's speech until it is an item; the words come apart."""
    return [
        events.SpeechStarted(item_id, 1000),
        events.SpeechStopped(item_id, 2000),
        events.AudioCommitted(item_id, previous),
        events.ItemAdded(audio_item(item_id), previous),
        events.ItemDone(audio_item(item_id), None),
    ]


def words(item_id: str, text: str) -> list[events.Event]:
    return [
        events.TranscriptionDelta(item_id, 0, text[:3]),
        events.TranscriptionDelta(item_id, 0, text[3:]),
        events.TranscriptionCompleted(item_id, 0, text, seconds=3),
    ]


def created(response_id: str, **known: Any) -> events.ResponseCreated:
    return events.ResponseCreated(events.ResponseInfo(response_id, "in_progress", "conv_1", **known))


def done(response_id: str, *items: events.Item, status: str = "completed", **known: Any) -> events.ResponseDone:
    known.setdefault("tokens", TOKENS)
    return events.ResponseDone(events.ResponseInfo(response_id, status, "conv_1", items=items, **known))


def opening(response_id: str, item_id: str, previous: str | None, pieces: Sequence[str]) -> list[events.Event]:
    """A reply as it begins, up to its last delta."""
    return [
        created(response_id),
        events.OutputItemAdded(response_id, agent_item(item_id)),
        events.ItemAdded(agent_item(item_id), previous),
        *(events.OutputDelta(response_id, item_id, 0, piece) for piece in pieces),
    ]


def closing(response_id: str, item_id: str, text: str, status: str = "completed") -> list[events.Event]:
    """The end of a reply's item; each event repeats the words."""
    return [
        events.OutputTextDone(response_id, item_id, 0, text),
        events.ItemDone(agent_item(item_id, text, status), None),
        events.OutputItemDone(response_id, agent_item(item_id, text, status)),
    ]


def reply(response_id: str, item_id: str, previous: str | None, *pieces: str) -> list[events.Event]:
    text = "".join(pieces)
    return [
        *opening(response_id, item_id, previous, pieces),
        *closing(response_id, item_id, text),
        done(response_id, agent_item(item_id, text, "completed")),
    ]


HEX = COMMAND.hex
FIRST, SECOND = f"cmd_{HEX}", f"cmd_{HEX}_2"
OTHER = UUID(int=7)
INSTRUCTED = {"instructions": "Be brief."}


def fault(code: str = "invalid_value", event_id: str | None = FIRST, message: str = "No."):
    return events.ProviderFault(events.ProviderFaultInfo(code=code, message=message), event_id)


def own_item(text: str = "VIP") -> events.Item:
    return events.Item(HEX, "message", "system", "completed", (events.Content("text", text),))


def marked(response_id: str, hexed: str = HEX) -> events.ResponseCreated:
    return created(response_id, metadata={"command": hexed})
