"""What the provider may tell us: a closed vocabulary, free of any dialect's names. Holds no rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Content:
    """One content part of an item. Audio and image bytes never get this far."""

    kind: Literal["text", "audio", "image", "other"]
    text: str | None = None
    """Text, or the transcript of audio; None where the provider gave none (yet)."""


@dataclass(frozen=True, slots=True)
class Item:
    """A conversation item as the provider describes it."""

    id: str
    type: str
    """message, function_call, function_call_output, mcp_call, … (the provider's word)"""
    role: str | None = None
    """user, assistant or system; None for items that are no message"""
    status: str | None = None
    content: tuple[Content, ...] = ()
    name: str | None = None
    tool_call_id: str | None = None
    arguments: str | None = None
    output: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token counts as the provider counts them; the cached ones are a subset of the input ones."""

    input_text: int = 0
    input_audio: int = 0
    input_image: int = 0
    cached_text: int = 0
    cached_audio: int = 0
    cached_image: int = 0
    output_text: int = 0
    output_audio: int = 0
    total: int = 0
    split_known: bool = True
    """False where the provider gave sums without the details by modality: a price is then an estimate."""


@dataclass(frozen=True, slots=True)
class ProviderFaultInfo:
    """An error in the provider's own words."""

    type: str = ""
    code: str = ""
    message: str = ""
    param: str = ""


@dataclass(frozen=True, slots=True)
class ResponseInfo:
    """A response as `response.created` and `response.done` carry it."""

    id: str
    status: str
    conversation_id: str | None = None
    """None for an out-of-band response (`conversation: "none"`): billed, but no part of the transcript."""
    out_of_band: bool = False
    reason: str = ""
    """turn_detected, client_cancelled, max_output_tokens, content_filter or empty"""
    fault: ProviderFaultInfo | None = None
    tokens: Tokens | None = None
    items: tuple[Item, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionReported:
    """session.created or session.updated: the full effective configuration, secrets removed."""

    session: Mapping[str, Any]
    updated: bool
    expires_at: int | None = None
    """Unix seconds"""


@dataclass(frozen=True, slots=True)
class ItemAdded:
    item: Item
    previous_item_id: str | None
    """None: the first item, or unknown (beta and gateways leave it out)"""


@dataclass(frozen=True, slots=True)
class ItemDone:
    item: Item
    previous_item_id: str | None


@dataclass(frozen=True, slots=True)
class ItemRetrieved:
    item: Item


@dataclass(frozen=True, slots=True)
class ItemTruncated:
    item_id: str
    content_index: int
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class ItemDeleted:
    item_id: str


@dataclass(frozen=True, slots=True)
class TranscriptionDelta:
    item_id: str
    content_index: int
    delta: str


@dataclass(frozen=True, slots=True)
class TranscriptionCompleted:
    item_id: str
    content_index: int
    text: str
    tokens: Tokens | None = None
    seconds: float | None = None
    """Billed seconds of audio, where the transcription is billed by duration"""


@dataclass(frozen=True, slots=True)
class TranscriptionFailed:
    item_id: str
    content_index: int
    fault: ProviderFaultInfo


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    item_id: str
    audio_start_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    item_id: str
    audio_end_ms: int


@dataclass(frozen=True, slots=True)
class AudioCommitted:
    item_id: str
    previous_item_id: str | None


@dataclass(frozen=True, slots=True)
class SilenceTimedOut:
    item_id: str


@dataclass(frozen=True, slots=True)
class KeypadPressed:
    key: str


@dataclass(frozen=True, slots=True)
class PlaybackStarted:
    response_id: str


@dataclass(frozen=True, slots=True)
class PlaybackStopped:
    response_id: str


@dataclass(frozen=True, slots=True)
class PlaybackCleared:
    response_id: str


@dataclass(frozen=True, slots=True)
class ResponseCreated:
    response: ResponseInfo


@dataclass(frozen=True, slots=True)
class ResponseDone:
    response: ResponseInfo


@dataclass(frozen=True, slots=True)
class OutputItemAdded:
    response_id: str
    item: Item


@dataclass(frozen=True, slots=True)
class OutputItemDone:
    response_id: str
    item: Item


@dataclass(frozen=True, slots=True)
class OutputDelta:
    """A piece of the agent's words: text, or the transcript of its audio."""

    response_id: str
    item_id: str
    content_index: int
    delta: str


@dataclass(frozen=True, slots=True)
class OutputTextDone:
    """All of the agent's words in one content part; sent on interruption too."""

    response_id: str
    item_id: str
    content_index: int
    text: str


@dataclass(frozen=True, slots=True)
class ArgumentsDelta:
    response_id: str
    item_id: str
    delta: str


@dataclass(frozen=True, slots=True)
class ArgumentsDone:
    response_id: str
    item_id: str
    tool_call_id: str | None
    name: str | None
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolProgressed:
    """MCP progress: in_progress, completed or failed."""

    item_id: str
    status: str


@dataclass(frozen=True, slots=True)
class RateLimit:
    name: str
    limit: int | None
    remaining: int | None
    reset_seconds: float | None


@dataclass(frozen=True, slots=True)
class RateLimitsReported:
    limits: tuple[RateLimit, ...]


@dataclass(frozen=True, slots=True)
class ProviderFault:
    """The `error` event; `client_event_id` names the client event that it refuses, where it answers one."""

    fault: ProviderFaultInfo
    client_event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """A known type that a monitor has no use for."""

    type: str


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """A type that the vocabulary does not have: counted, never dropped silently."""

    type: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A frame that cannot be read; `reason` says why and never quotes the frame."""

    reason: str
    type: str = ""


Event = (
    SessionReported
    | ItemAdded
    | ItemDone
    | ItemRetrieved
    | ItemTruncated
    | ItemDeleted
    | TranscriptionDelta
    | TranscriptionCompleted
    | TranscriptionFailed
    | SpeechStarted
    | SpeechStopped
    | AudioCommitted
    | SilenceTimedOut
    | KeypadPressed
    | PlaybackStarted
    | PlaybackStopped
    | PlaybackCleared
    | ResponseCreated
    | ResponseDone
    | OutputItemAdded
    | OutputItemDone
    | OutputDelta
    | OutputTextDone
    | ArgumentsDelta
    | ArgumentsDone
    | ToolProgressed
    | RateLimitsReported
    | ProviderFault
    | Ignored
    | Unrecognised
    | Malformed
)
