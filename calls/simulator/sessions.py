"""The session object: defaults, what may be in it, and how an update changes it.

Judges only names and a few values, as the provider does at the door; takes no part in the talk.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

from calls.simulator.wire import PCM, Json

LIFETIME_SECONDS = 3600
DEFAULT_INSTRUCTIONS = "You are a helpful, witty, and friendly AI. Talk quickly. Call a function if you can."
VOICES = frozenset({"alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"})

FIELDS = frozenset(
    {
        "type", "object", "id", "expires_at", "model", "output_modalities", "instructions", "audio",
        "tools", "tool_choice", "parallel_tool_calls", "reasoning", "max_output_tokens", "truncation",
        "tracing", "prompt", "include",
    }
)  # fmt: skip
SERVER_VAD = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 200,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
INPUT_FIELDS = frozenset({"format", "noise_reduction", "transcription", "turn_detection"})
OUTPUT_FIELDS = frozenset({"format", "voice", "speed"})

KINDS: dict[str, tuple[type, ...]] = {
    "model": (str,),
    "instructions": (str,),
    "tools": (list,),
    "tool_choice": (str, dict),
    "parallel_tool_calls": (bool,),
    "reasoning": (dict,),
    "max_output_tokens": (int, str),
    "truncation": (str, dict),
    "tracing": (str, dict),
    "prompt": (dict,),
    "include": (list,),
    "format": (dict,),
    "noise_reduction": (dict,),
    "transcription": (dict,),
    "turn_detection": (dict,),
    "voice": (str, dict),
    "speed": (int, float),
}
"""What a value may be, besides null."""
TYPES = {
    "format": {"audio/pcm", "audio/pcmu", "audio/pcma"},
    "noise_reduction": {"near_field", "far_field"},
    "turn_detection": {"server_vad", "semantic_vad"},
}
"""The `type` of those settings that have one."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a client's message is not taken: the provider's code, a sentence, and the parameter it is about."""

    code: str
    message: str
    param: str | None = None


def missing(param: str) -> Refusal:
    return Refusal("missing_required_parameter", f"Missing required parameter: '{param}'.", param)


def unknown(param: str) -> Refusal:
    return Refusal("unknown_parameter", f"Unknown parameter: '{param}'.", param)


def invalid(param: str, message: str) -> Refusal:
    return Refusal("invalid_value", message, param)


def fresh(session_id: str) -> Json:
    """The session a call has before anyone configured it (values as recorded)."""
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": "gpt-realtime",
        "output_modalities": ["audio"],
        "instructions": DEFAULT_INSTRUCTIONS,
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "expires_at": int(time.time()) + LIFETIME_SECONDS,
        "audio": {
            "input": {
                "format": dict(PCM),
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": dict(SERVER_VAD),
            },
            "output": {"format": dict(PCM), "voice": "alloy", "speed": 1.0},
        },
        "include": None,
    }


def problem(body: object) -> Refusal | None:
    """What is wrong with a session that somebody sent, or None."""
    if not isinstance(body, dict):
        return missing("session")
    if "type" not in body:
        return missing("session.type")
    if body["type"] != "realtime":
        return invalid("session.type", f"Invalid value: '{body['type']}'. Supported values are: 'realtime'.")
    for name in body:
        if name not in FIELDS:
            return unknown(f"session.{name}")
    if (modalities := body.get("output_modalities")) is not None and modalities not in (["audio"], ["text"]):
        return invalid("session.output_modalities", "Supported combinations are: ['text'] and ['audio'].")
    for name, value in body.items():
        if (refusal := _problem_of_value("session", name, value)) is not None:
            return refusal
    return _problem_of_audio(body.get("audio"))


def _problem_of_value(path: str, name: str, value: object) -> Refusal | None:
    if value is None or name not in KINDS:
        return None
    param = f"{path}.{name}"
    if not isinstance(value, KINDS[name]):
        return invalid(param, f"Invalid type for '{param}'.")
    if name in TYPES and isinstance(value, dict) and str(value.get("type")) not in TYPES[name]:
        return invalid(f"{param}.type", f"Supported values are: {', '.join(sorted(TYPES[name]))}.")
    if name == "tools" and isinstance(value, list):
        for n, tool in enumerate(value):
            if not isinstance(tool, dict) or tool.get("type") not in ("function", "mcp"):
                return invalid(f"{param}[{n}].type", "Supported values are: 'function' and 'mcp'.")
    return None


def _problem_of_audio(audio: object) -> Refusal | None:
    if audio is None:
        return None
    if not isinstance(audio, dict):
        return invalid("session.audio", "Expected an object.")
    for side, fields in audio.items():
        path = f"session.audio.{side}"
        if side not in ("input", "output"):
            return unknown(path)
        if not isinstance(fields, dict | None):
            return invalid(path, "Expected an object.")
        allowed = INPUT_FIELDS if side == "input" else OUTPUT_FIELDS
        for name, value in (fields or {}).items():
            if name not in allowed:
                return unknown(f"{path}.{name}")
            if (refusal := _problem_of_value(path, name, value)) is not None:
                return refusal
    voice = (audio.get("output") or {}).get("voice")
    if isinstance(voice, str) and voice not in VOICES:
        return invalid("session.audio.output.voice", f"Invalid value: '{voice}'.")
    return None


def changed(session: Json, update: Json) -> Json:
    """The effective session after an update: omitted fields stay, null clears."""
    after = copy.deepcopy(session)
    for name, value in update.items():
        if name in ("object", "id", "expires_at", "type"):
            continue
        if name == "audio":
            for side, fields in (value or {}).items():
                after["audio"][side].update(copy.deepcopy(fields or {}))
        else:
            after[name] = copy.deepcopy(value)
    _fill(after)
    return after


def _fill(session: Json) -> None:
    """Complete what the provider completes, so that the session reads as the recorded ones."""
    listen = session["audio"]["input"]
    if listen["transcription"] is not None:
        listen["transcription"] = {"language": None, "prompt": None, **listen["transcription"]}
    vad = listen["turn_detection"]
    if vad is not None and vad.get("type") == "server_vad":
        listen["turn_detection"] = {**SERVER_VAD, **vad}
