"""What became true in a call: past tense, plain values, ready to be stored and shown. Holds no rule and no
I/O.

Two families. *Numbered* changes are rows: each gets the next sequence number of the call's stream in the
transaction that stores it. *Hints* (PartialText, FloorChanged, QuietChanged) are only pushed to screens; losing one
costs latency, not truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from calls.domain.events import Tokens
from calls.domain.states import Attachment, CallState, CommandState, EndReason, Floor

TurnKind = Literal["message", "tool_call", "tool_output"]
Speaker = Literal["caller", "agent", "operator", "system"]
TurnStatus = Literal["open", "completed", "cut_off", "incomplete", "deleted"]
Transcription = Literal["pending", "completed", "failed", "missing"]
NoteKind = Literal[
    "provider_error",
    "response_failed",
    "response_incomplete",
    "transcription_failed",
    "keypad",
    "silence_timeout",
    "interrupted",
    "item_deleted",
    "oddity",
]


@dataclass(frozen=True, slots=True)
class Turn:
    """One utterance of caller, agent, operator or tool: one conversation item, in its latest known shape."""

    item_id: str
    rank: float
    """Place in the conversation: ascending, not dense; changes only by inserting between neighbours"""
    kind: TurnKind
    speaker: Speaker
    status: TurnStatus
    started_at: datetime
    ended_at: datetime | None = None
    text: str = ""
    heard_text: str | None = None
    """What the caller can have heard of a reply that was cut off; None where nothing was cut"""
    heard_ms: int | None = None
    name: str = ""
    """Tool turns: the tool's name"""
    tool_call_id: str = ""
    arguments: str = ""
    output: str = ""
    transcription: Transcription | None = None
    """None where no transcription is due"""
    response_id: str = ""
    reply_ms: int | None = None
    """Agent turns: end of the caller's speech to the first sound (or first words) of the reply"""
    command_id: UUID | None = None
    """The operator's command that caused this turn"""
    steps: tuple[tuple[int, int], ...] = ()
    """Replay: (milliseconds since started_at, length of text by then), at most one per 100 ms"""


@dataclass(frozen=True, slots=True)
class CallStateChanged:
    state: CallState
    at: datetime
    reason: EndReason | None = None
    detail: str = ""
    """A sentence for people: the provider's words, or ours"""


@dataclass(frozen=True, slots=True)
class AttachmentChanged:
    attachment: Attachment
    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TurnChanged:
    turn: Turn
    at: datetime


@dataclass(frozen=True, slots=True)
class UsageRecorded:
    kind: Literal["response", "transcription"]
    ref_id: str
    """response_id or item_id: with `kind`, unique in the call"""
    at: datetime
    model: str
    tokens: Tokens | None
    seconds: float | None
    complete: bool
    """False where the provider's figures are missing (a response that a hang-up or a gap cut short)"""


@dataclass(frozen=True, slots=True)
class GapRecorded:
    """A stretch of the call that nobody watched."""

    started_at: datetime
    ended_at: datetime
    cause: str
    """socket_closed, owner_lost, accepted_unheard, ended_unattended, …"""


@dataclass(frozen=True, slots=True)
class CommandChanged:
    command_id: UUID
    state: CommandState
    at: datetime
    detail: str = ""
    """The provider's words for a refusal, the proving event for a confirmation"""
    after_item_id: str = ""
    """The turn after which it took effect; empty where that is unknown"""


@dataclass(frozen=True, slots=True)
class NoteAdded:
    """Something worth a line beside the transcript that is no turn."""

    kind: NoteKind
    at: datetime
    body: Mapping[str, Any] = field(default_factory=dict)
    """Small plain values. No audio; provider messages capped at 500 characters"""


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """The effective session as the provider reports it, without secrets."""

    session: Mapping[str, Any]
    at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RateLimitsChanged:
    limits: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Signs:
    """What a call has shown so far that may need a person; domain.attention judges it. Times, or None."""

    interruptions: int = 0
    """How often the caller cut the agent off"""
    interrupted_at: datetime | None = None
    tool_failed_at: datetime | None = None
    """None again once a tool worked"""
    asked_for_person_at: datetime | None = None
    unconfirmed_at: datetime | None = None
    """A command that was sent and not proved in time"""
    helped_at: datetime | None = None
    """The latest proof of an operator's command"""


@dataclass(frozen=True, slots=True)
class SignsChanged:
    signs: Signs
    at: datetime


@dataclass(frozen=True, slots=True)
class PartialText:
    """Hint: the words of an open turn so far. `text` is what follows the first `offset` characters."""

    item_id: str
    rank: float
    speaker: Speaker
    offset: int
    text: str


@dataclass(frozen=True, slots=True)
class FloorChanged:
    """Hint: who is at work now."""

    floor: Floor
    at: datetime


@dataclass(frozen=True, slots=True)
class QuietChanged:
    """Hint: nobody speaks since then; None: somebody does."""

    since: datetime | None


Numbered = (
    CallStateChanged
    | AttachmentChanged
    | TurnChanged
    | UsageRecorded
    | GapRecorded
    | CommandChanged
    | NoteAdded
    | SessionChanged
    | RateLimitsChanged
    | SignsChanged
)
Hint = PartialText | FloorChanged | QuietChanged
Change = Numbered | Hint
