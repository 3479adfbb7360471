"""What the session wants done outside: plain values; the runner carries them out. Holds no rule and no
I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class SendEvent:
    """Send one client event on the sideband. `event` is complete but for the dialect, event_id included."""

    event: Mapping[str, Any]
    command_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ControlCall:
    """Make one REST call for a command; the answer comes back as inputs.ControlAnswered."""

    verb: Literal["hang_up", "refer"]
    command_id: UUID
    target: str = ""


Outgoing = SendEvent | ControlCall
