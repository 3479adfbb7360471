"""What a session is given and what it answers: plain values. Holds no rule and no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from calls.domain.changes import Change
from calls.domain.commands import Command
from calls.domain.outgoing import Outgoing
from calls.domain.states import CommandState


@dataclass(frozen=True, slots=True)
class Plan:
    """How a call is to be led. The models name the bills until the provider reports its session."""

    model: str
    transcription_model: str | None
    transcription_due: bool
    """The caller's words are awaited; a reported session overrules it"""
    greeting: str | None
    """Instructions of the first response, sent once the leg is up; None: the agent waits for the caller"""
    command_timeout: timedelta = timedelta(seconds=10)
    """From the frame to its proof; also how long a command waits for its chance to be sent"""
    transfer_timeout: timedelta = timedelta(seconds=30)
    """From the provider's yes to the end of the leg: no event tells of a transfer that failed"""
    hang_up_timeout: timedelta = timedelta(seconds=15)
    max_duration: timedelta = timedelta(minutes=60)
    """The provider's cap (realtime guide, 2025-2026); it cannot be extended"""


@dataclass(frozen=True, slots=True)
class SentCommand:
    """A command that a former owner claimed and did not settle."""

    command: Command
    state: CommandState
    """claimed (nobody knows whether it went out), sent or not_confirmed"""
    at: datetime
    """When it was sent, or claimed"""


@dataclass(frozen=True, slots=True)
class Step:
    """The answer to one input."""

    changes: tuple[Change, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()
    wake_at: datetime | None = None
    """Send a Tick then, if nothing else came; replaces the last step's"""
