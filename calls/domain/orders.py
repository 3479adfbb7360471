"""A command on its way: what the steering remembers of it. Holds no rule of when it moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from calls.domain.commands import Command
from calls.domain.states import CommandState

OPEN = frozenset({CommandState.CLAIMED, CommandState.SENT})
"""A command that is neither waiting for an owner nor settled."""


@dataclass(slots=True, eq=False)
class Order:
    """A command on its way."""

    command: Command
    state: CommandState
    deadline: datetime
    tries: int = 0
    handed: bool = False
    """Handed out, and nobody has said yet whether it went out"""
    waits_until: datetime | None = None
    """The deadline from before it was handed out; in force again when it did not go out"""
    again_at: datetime | None = None
    """When to try again what did not go out; earlier where the line comes back"""
    taken: bool = False
    """The provider said yes to the control call"""
    retry: bool = False
    """Refused once because a response was running; goes out again after it"""
    asked_for: str = ""
    """The item that a Probe asked for"""
    words: str = ""
    """Why it is refused, unless something happens until its deadline"""

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def under_way(self) -> bool:
        """It went out, or may be going out now."""
        return self.state is CommandState.SENT or (self.handed and self.is_open)

    @property
    def is_waiting(self) -> bool:
        """It has not gone out yet, or has to go out again, and nobody has it in hand."""
        unsent = self.state is CommandState.CLAIMED and not self.tries
        return self.is_open and not self.handed and (unsent or self.retry)
