"""The grammar of a scripted talk: the steps, and what a scenario is.

Only says what happens; `play.py` makes it happen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Literal, Protocol

from calls.simulator.wire import Json

Interruption = Literal["", "before_speech", "generating", "playing"]
Hearing = Literal["completed", "late", "failed", "missing"]


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent answers. With `interrupted`, the next step begins before the answer is over."""

    text: str
    interrupted: Interruption = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller speaks, after a pause, or into the agent's words."""

    text: str
    barges_in: bool = False
    hearing: Hearing = "completed"
    """What becomes of the transcription."""
    pause: float = 0.7


@dataclass(frozen=True, slots=True)
class Noise:
    """The line crackles: a turn without words."""

    barges_in: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """The agent calls a tool; where nobody answers, the application does. Then the agent says `then`."""

    name: str
    arguments: str
    output: str
    then: str
    latency: float = 1.4
    filler: str = ""


@dataclass(frozen=True, slots=True)
class Whisper:
    """The application asks something beside the conversation (out of band, as text)."""

    text: str
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fail:
    """The agent's response fails inside the provider."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Incomplete:
    """The agent's response is cut off by a limit."""

    text: str
    reason: Literal["max_output_tokens", "content_filter"] = "max_output_tokens"


@dataclass(frozen=True, slots=True)
class Keys:
    """The caller types on the telephone."""

    keys: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody speaks until the idle timeout strikes."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Drop:
    """The sockets break while the call lives on."""

    code: int
    reset: bool = False


@dataclass(frozen=True, slots=True)
class AwaitTransfer:
    """Wait for somebody to transfer the call; the caller waits so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Expire:
    """The session reaches its longest duration."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The caller hangs up at once, whatever is going on."""


Step = (
    Agent
    | Caller
    | Noise
    | Tool
    | Whisper
    | Fail
    | Incomplete
    | Keys
    | Silence
    | Pause
    | Drop
    | AwaitTransfer
    | Expire
    | HangUp
)


class Writer(Protocol):
    """Makes a script; `trade` names the desk that is called, any where it is empty."""

    def __call__(self, dice: Random, trade: str = "") -> list[Step]: ...


@dataclass(frozen=True, slots=True)
class Scenario:
    """A way in which a call can go. `write` makes its script, different each time."""

    name: str
    summary: str
    write: Writer
    weight: float = 1.0
    """How often the mix draws it."""
    session: Json = field(default_factory=dict)
    """What the caller's line forces on the session, e.g. an idle timeout."""
    announces_session: bool = False
    """Whether a socket is greeted with `session.created` (both exist in the field)."""
