"""The provider's frames, written by hand, one function per event type.

Fills in no event id (the call mints it when it sends) and keeps no state.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

WITHOUT_EVENT_ID = frozenset({"input_audio_buffer.dtmf_event_received"})
FROM_MEDIA_LAYER = frozenset(
    {"output_audio_buffer.started", "output_audio_buffer.stopped", "output_audio_buffer.cleared"}
)
PCM = {"type": "audio/pcm", "rate": 24000}


def session(kind: str, body: Json) -> Json:
    """`session.created` or `session.updated`, with the full effective session."""
    return {"type": f"session.{kind}", "event_id": "", "session": body}


def error(code: str, message: str, *, param: str | None = None, event_id: str | None = None) -> Json:
    return {
        "type": "error",
        "event_id": "",
        "error": {
            "type": "invalid_request_error",
            "code": code,
            "message": message,
            "param": param,
            "event_id": event_id,
        },
    }


# -- conversation


def item_added(item: Json, previous: str | None) -> Json:
    return {"type": "conversation.item.added", "event_id": "", "previous_item_id": previous, "item": item}


def item_done(item: Json, previous: str | None) -> Json:
    return {"type": "conversation.item.done", "event_id": "", "previous_item_id": previous, "item": item}


def item_retrieved(item: Json) -> Json:
    return {"type": "conversation.item.retrieved", "event_id": "", "item": item}


def item_deleted(item_id: str) -> Json:
    return {"type": "conversation.item.deleted", "event_id": "", "item_id": item_id}


def item_truncated(item_id: str, audio_end_ms: int) -> Json:
    return {
        "type": "conversation.item.truncated",
        "event_id": "",
        "item_id": item_id,
        "content_index": 0,
        "audio_end_ms": audio_end_ms,
    }


# -- the caller's sound


def speech_started(item_id: str, at_ms: int) -> Json:
    return {
        "type": "input_audio_buffer.speech_started",
        "event_id": "",
        "audio_start_ms": at_ms,
        "item_id": item_id,
    }


def speech_stopped(item_id: str, at_ms: int) -> Json:
    return {
        "type": "input_audio_buffer.speech_stopped",
        "event_id": "",
        "audio_end_ms": at_ms,
        "item_id": item_id,
    }


def timeout_triggered(item_id: str, start_ms: int, end_ms: int) -> Json:
    return {
        "type": "input_audio_buffer.timeout_triggered",
        "event_id": "",
        "audio_start_ms": start_ms,
        "audio_end_ms": end_ms,
        "item_id": item_id,
    }


def committed(item_id: str, previous: str | None) -> Json:
    return {
        "type": "input_audio_buffer.committed",
        "event_id": "",
        "previous_item_id": previous,
        "item_id": item_id,
    }


def input_cleared() -> Json:
    return {"type": "input_audio_buffer.cleared", "event_id": ""}


def dtmf(key: str, received_at: int) -> Json:
    """The one event without an event id in the schema."""
    return {"type": "input_audio_buffer.dtmf_event_received", "event": key, "received_at": received_at}


_TRANSCRIPTION = "conversation.item.input_audio_transcription."


def transcription_delta(item_id: str, delta: str, padding: str) -> Json:
    return {
        "type": _TRANSCRIPTION + "delta",
        "event_id": "",
        "item_id": item_id,
        "content_index": 0,
        "delta": delta,
        "obfuscation": padding,
    }


def transcription_completed(item_id: str, transcript: str, usage: Json) -> Json:
    return {
        "type": _TRANSCRIPTION + "completed",
        "event_id": "",
        "item_id": item_id,
        "content_index": 0,
        "transcript": transcript,
        "usage": usage,
    }


def transcription_failed(item_id: str, code: str, message: str) -> Json:
    return {
        "type": _TRANSCRIPTION + "failed",
        "event_id": "",
        "item_id": item_id,
        "content_index": 0,
        "error": {"type": "server_error", "code": code, "message": message, "param": None},
    }


# -- responses


def response(kind: str, body: Json) -> Json:
    """`response.created` or `response.done`."""
    return {"type": f"response.{kind}", "event_id": "", "response": body}


def output_item(kind: str, response_id: str, index: int, item: Json) -> Json:
    return {
        "type": f"response.output_item.{kind}",
        "event_id": "",
        "response_id": response_id,
        "output_index": index,
        "item": item,
    }


def part(kind: str, response_id: str, item_id: str, index: int, **fields: object) -> Json:
    """Every event about one content part: `content_part.*`, text, transcript and sound."""
    return {
        "type": f"response.{kind}",
        "event_id": "",
        "response_id": response_id,
        "item_id": item_id,
        "output_index": index,
        "content_index": 0,
        **fields,
    }


def arguments(kind: str, response_id: str, item_id: str, index: int, **fields: object) -> Json:
    return {
        "type": f"response.function_call_arguments.{kind}",
        "event_id": "",
        "response_id": response_id,
        "item_id": item_id,
        "output_index": index,
        **fields,
    }


def sound(kind: str, response_id: str) -> Json:
    """`output_audio_buffer.started`, `.stopped` or `.cleared`."""
    return {"type": f"output_audio_buffer.{kind}", "event_id": "", "response_id": response_id}


def rate_limits(used: int) -> Json:
    limit = 15_000_000
    return {
        "type": "rate_limits.updated",
        "event_id": "",
        "rate_limits": [
            {
                "name": "tokens",
                "limit": limit,
                "remaining": limit - used,
                "reset_seconds": round(used / 250_000, 3),
            }
        ],
    }
