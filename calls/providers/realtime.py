"""Frames of the Realtime dialects (GA, beta, look-alikes) to the closed vocabulary, and back. Holds no state.

`decode` answers every frame in one of three ways: understood, known and ignored, unrecognised (Malformed is a
known type that cannot be read). It never raises for what a provider sends. Names and fields are from the
openai SDK's types and from recordings; where they differ, the recordings win.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import orjson

from calls.domain.events import (
    ArgumentsDelta,
    ArgumentsDone,
    AudioCommitted,
    Event,
    Ignored,
    ItemAdded,
    ItemDeleted,
    ItemDone,
    ItemRetrieved,
    ItemTruncated,
    KeypadPressed,
    Malformed,
    OutputDelta,
    OutputItemAdded,
    OutputItemDone,
    OutputTextDone,
    PlaybackCleared,
    PlaybackStarted,
    PlaybackStopped,
    ProviderFault,
    RateLimitsReported,
    ResponseCreated,
    ResponseDone,
    SessionReported,
    SilenceTimedOut,
    SpeechStarted,
    SpeechStopped,
    ToolProgressed,
    TranscriptionCompleted,
    TranscriptionDelta,
    TranscriptionFailed,
    Unrecognised,
)
from calls.providers import frames
from calls.providers.frames import Unreadable, count, identity, item, maybe_identity, text, word

Dialect = Literal["ga", "beta"]
Frame = Mapping[str, Any]

# Sound is most of the traffic where it flows at all (up to 15 MiB a frame), so it is known by its first bytes
# and never parsed. Inside a JSON string the quotes would be escaped, so a transcript cannot pass for it.
_SOUND = r'\s*\{\s*(?:"event_id"\s*:\s*"[^"\\]{0,128}"\s*,\s*)?"type"\s*:\s*"response\.(?:output_)?audio\.delta"'
_SOUND_TEXT = re.compile(_SOUND).match
_SOUND_BYTES = re.compile(_SOUND.encode()).match
_IGNORED_SOUND = Ignored("response.output_audio.delta")

_loads = orjson.loads


def decode(raw: str | bytes) -> Event:
    """Return what one frame says. Never raises: Malformed gives the reason and quotes nothing."""
    if _SOUND_BYTES(raw) if isinstance(raw, bytes) else _SOUND_TEXT(raw):
        return _IGNORED_SOUND
    try:
        data = _loads(raw)
    except ValueError:
        return Malformed("not JSON")
    if type(data) is not dict:
        return Malformed("not an object")
    kind = data.get("type")
    if type(kind) is not str:
        return Malformed("no type")
    reader = _READERS.get(kind)
    if reader is None:
        return _rare(kind, data)
    try:
        return reader(data)
    except Unreadable as problem:
        return Malformed(str(problem), kind)


def encode(event: Mapping[str, Any], dialect: Dialect = "ga") -> bytes:
    """Return the frame of one client event. Beta sessions refuse the `type` that GA demands; all else is
    alike.
    """
    if dialect == "beta" and event.get("type") == "session.update":
        session = {key: value for key, value in event["session"].items() if key != "type"}
        event = {**event, "session": session}
    return orjson.dumps(event)


def _rare(kind: str, data: Frame) -> Event:
    ignored = _IGNORED.get(kind)
    if ignored is not None:
        return ignored
    # The documentation's own example of a keypad event has a blank before its type.
    bare = kind.strip()
    if bare != kind and (bare in _READERS or bare in _IGNORED):
        return decode(orjson.dumps({**data, "type": bare}))
    return Unrecognised(word(kind, frames.TYPE_LIMIT))


def _index(data: Frame) -> int:
    return count(data.get("content_index")) or 0


def _session_reported(data: Frame) -> SessionReported:
    session = frames.session(data.get("session"))
    return SessionReported(session, data["type"].endswith("updated"), count(session.get("expires_at")) or None)


def _item_added(data: Frame) -> ItemAdded:
    return ItemAdded(item(data.get("item")), maybe_identity(data, "previous_item_id"))


def _item_done(data: Frame) -> ItemDone:
    return ItemDone(item(data.get("item")), maybe_identity(data, "previous_item_id"))


def _truncated(data: Frame) -> ItemTruncated:
    end = count(data.get("audio_end_ms"))
    if end is None:
        raise Unreadable("no audio_end_ms")
    return ItemTruncated(identity(data, "item_id"), _index(data), end)


def _transcription_completed(data: Frame) -> TranscriptionCompleted:
    words = text(data.get("transcript"))
    if words is None:
        raise Unreadable("no transcript")
    bill = frames.mapping(data.get("usage"))
    return TranscriptionCompleted(
        identity(data, "item_id"),
        _index(data),
        words,
        frames.tokens(bill),
        frames.seconds(bill.get("seconds")),
    )


def _output_delta(data: Frame) -> OutputDelta:
    return OutputDelta(identity(data, "response_id"), identity(data, "item_id"), _index(data), _delta(data))


def _delta(data: Frame) -> str:
    delta = text(data.get("delta"))
    if delta is None:
        raise Unreadable("no delta")
    return delta


def _output_done(data: Frame, words: str | None) -> OutputTextDone:
    if words is None:
        raise Unreadable("no text")
    return OutputTextDone(identity(data, "response_id"), identity(data, "item_id"), _index(data), words)


def _part_done(data: Frame) -> OutputTextDone | Ignored:
    """xAI sends it without the part: nothing is lost, every other `done` repeats the words."""
    words = frames.content(data.get("part")).text
    return _IGNORED_PART if words is None else _output_done(data, words)


def _arguments_done(data: Frame) -> ArgumentsDone:
    arguments = text(data.get("arguments"))
    if arguments is None:
        raise Unreadable("no arguments")
    return ArgumentsDone(
        identity(data, "response_id"),
        identity(data, "item_id"),
        maybe_identity(data, "call_id"),
        text(data.get("name"), frames.NAME_LIMIT),
        arguments,
    )


def _keypad(data: Frame) -> KeypadPressed:
    key = word(data.get("event"), 1)
    if not key:
        raise Unreadable("no event")
    return KeypadPressed(key)


def _tool(data: Frame) -> ToolProgressed:
    return ToolProgressed(identity(data, "item_id"), data["type"].rsplit(".", 1)[-1].strip())


def _fault(data: Frame) -> ProviderFault:
    error = frames.mapping(data.get("error"))
    return ProviderFault(frames.fault(error), maybe_identity(error, "event_id"))


_ITEM = "conversation.item"
_SPOKEN = f"{_ITEM}.input_audio_transcription"
_BUFFER = "input_audio_buffer"
_PLAYBACK = "output_audio_buffer"

_IGNORED_PART = Ignored("response.content_part.done")

_READERS: Mapping[str, Callable[[Frame], Event]] = {
    "session.created": _session_reported,
    "session.updated": _session_reported,
    f"{_ITEM}.added": _item_added,
    f"{_ITEM}.created": _item_added,  # beta's name
    f"{_ITEM}.done": _item_done,
    f"{_ITEM}.retrieved": lambda data: ItemRetrieved(item(data.get("item"))),
    f"{_ITEM}.truncated": _truncated,
    f"{_ITEM}.deleted": lambda data: ItemDeleted(identity(data, "item_id")),
    f"{_SPOKEN}.delta": lambda data: TranscriptionDelta(identity(data, "item_id"), _index(data), _delta(data)),
    f"{_SPOKEN}.completed": _transcription_completed,
    f"{_SPOKEN}.failed": lambda data: TranscriptionFailed(
        identity(data, "item_id"), _index(data), frames.fault(data.get("error"))
    ),
    f"{_BUFFER}.speech_started": lambda data: SpeechStarted(
        identity(data, "item_id"), count(data.get("audio_start_ms")) or 0
    ),
    f"{_BUFFER}.speech_stopped": lambda data: SpeechStopped(
        identity(data, "item_id"), count(data.get("audio_end_ms")) or 0
    ),
    f"{_BUFFER}.committed": lambda data: AudioCommitted(
        identity(data, "item_id"), maybe_identity(data, "previous_item_id")
    ),
    f"{_BUFFER}.timeout_triggered": lambda data: SilenceTimedOut(identity(data, "item_id")),
    f"{_BUFFER}.dtmf_event_received": _keypad,
    f"{_PLAYBACK}.started": lambda data: PlaybackStarted(identity(data, "response_id")),
    f"{_PLAYBACK}.stopped": lambda data: PlaybackStopped(identity(data, "response_id")),
    f"{_PLAYBACK}.cleared": lambda data: PlaybackCleared(identity(data, "response_id")),
    "response.created": lambda data: ResponseCreated(frames.response(data)),
    "response.done": lambda data: ResponseDone(frames.response(data)),
    "response.output_item.added": lambda data: OutputItemAdded(identity(data, "response_id"), item(data.get("item"))),
    "response.output_item.done": lambda data: OutputItemDone(identity(data, "response_id"), item(data.get("item"))),
    "response.content_part.done": _part_done,
    "response.output_audio_transcript.delta": _output_delta,
    "response.audio_transcript.delta": _output_delta,
    "response.output_text.delta": _output_delta,
    "response.text.delta": _output_delta,
    "response.output_audio_transcript.done": lambda data: _output_done(data, text(data.get("transcript"))),
    "response.audio_transcript.done": lambda data: _output_done(data, text(data.get("transcript"))),
    "response.output_text.done": lambda data: _output_done(data, text(data.get("text"))),
    "response.text.done": lambda data: _output_done(data, text(data.get("text"))),
    "response.function_call_arguments.delta": lambda data: ArgumentsDelta(
        identity(data, "response_id"), identity(data, "item_id"), _delta(data)
    ),
    "response.function_call_arguments.done": _arguments_done,
    "response.mcp_call_arguments.delta": lambda data: ArgumentsDelta(
        identity(data, "response_id"), identity(data, "item_id"), _delta(data)
    ),
    "response.mcp_call_arguments.done": _arguments_done,
    "response.mcp_call.in_progress": _tool,
    "response.mcp_call.completed": _tool,
    "response.mcp_call.failed": _tool,
    "mcp_list_tools.in_progress": _tool,
    "mcp_list_tools.completed": _tool,
    "mcp_list_tools.failed": _tool,
    "rate_limits.updated": lambda data: RateLimitsReported(
        tuple([frames.rate_limit(one) for one in frames.listed(data.get("rate_limits"), frames.PAIRS_LIMIT)])
    ),
    "error": _fault,
}

_IGNORED: Mapping[str, Ignored] = {
    name: Ignored(name)
    for name in (
        "conversation.created",
        # The words of a segment come again, all together, with `completed`.
        f"{_SPOKEN}.segment",
        f"{_BUFFER}.cleared",
        "response.content_part.added",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.audio.delta",
        "response.audio.done",
        "transcription_session.created",
        "transcription_session.updated",
    )
}
