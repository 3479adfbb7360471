"""What a session can be told besides the provider's events: closed, plain values. Holds no rule and no
I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from calls.domain.commands import Command
from calls.domain.events import Event
from calls.domain.outgoing import Outgoing
from calls.domain.states import CallState, EndReason


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took our accept; the leg is not proven yet."""


@dataclass(frozen=True, slots=True)
class Attached:
    """The sideband is open: this, and nothing else, proves a live call."""

    unheard_since: datetime | None = None
    """The earliest moment of an accept that nobody knows the outcome of: since then words may have been said"""


@dataclass(frozen=True, slots=True)
class Detached:
    """The sideband closed. Proves nothing about the call."""

    code: int | None
    """Close code; None or 1006 where the connection just went away"""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Gone:
    """The provider answered 404/410 to a dial, or said that the call is over."""


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The runner stopped trying; `state` is refused, missed, lost or ended."""

    state: CallState
    reason: EndReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CommandClaimed:
    """An operator's command, claimed under this owner's epoch; to be sent now."""

    command: Command


@dataclass(frozen=True, slots=True)
class Sent:
    """What the session wanted sent is on its way: a frame was written, or a control call begins."""

    what: Outgoing


@dataclass(frozen=True, slots=True)
class NotSent:
    """What the session wanted sent did not go out: no frame was written, no control call made."""

    what: Outgoing
    why: str
    """Half a sentence for people: follows "Nothing was sent: \""""


@dataclass(frozen=True, slots=True)
class ControlAnswered:
    """What the provider said to a ControlCall."""

    command_id: UUID
    outcome: Literal["ok", "gone", "refused", "unknown"]
    detail: str = ""
    """The provider's words"""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed: `wake_at` of the last step was reached."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """A new owner took the call over; the last one's last stored event was at `last_event_at`."""

    last_event_at: datetime | None


Input = (
    Event
    | Accepted
    | Attached
    | Detached
    | Gone
    | GaveUp
    | CommandClaimed
    | Sent
    | NotSent
    | ControlAnswered
    | Tick
    | Resumed
)
