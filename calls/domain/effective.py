"""The settings of a session that screens show and operators change, as flat plain values. Reads any session body: what
the provider reports, or what an agent would be answered with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calls.domain.commands import Verb

FIELDS = ("voice", "speed", "turn_detection", "threshold", "silence_ms", "eagerness", "language", "tools")
"""What an operator may change while the call runs; the model may not be"""


def summary(session: Mapping[str, Any]) -> dict[str, Any]:
    """None stands for what the session does not say."""
    audio = _mapping(session.get("audio"))
    heard, spoken = _mapping(audio.get("input")), _mapping(audio.get("output"))
    detection, transcription = _mapping(heard.get("turn_detection")), _mapping(heard.get("transcription"))
    voice = spoken.get("voice")
    tools = session.get("tools")
    return {
        "model": _text(session.get("model")),
        "voice": _text(_mapping(voice).get("id", voice)),
        "speed": _number(spoken.get("speed")),
        "turn_detection": _text(detection.get("type")),
        "threshold": _number(detection.get("threshold")),
        "silence_ms": _number(detection.get("silence_duration_ms")),
        "eagerness": _text(detection.get("eagerness")),
        "language": _text(transcription.get("language")),
        "transcription": _text(transcription.get("model")),
        "noise_reduction": _text(_mapping(heard.get("noise_reduction")).get("type")),
        "tools": session.get("tool_choice") != "none",
        "tool_count": len(tools) if isinstance(tools, list) else None,
    }


def has_spoken(turns: Any) -> bool:
    """The agent has made a sound, or is about to: from then on its voice is fixed."""
    return any(turn["kind"] == "message" and turn["speaker"] == "agent" for turn in turns)


def replaced_instructions(commands: Any) -> bool:
    """Somebody replaced the agent's instructions in this call."""
    return any(one["verb"] == Verb.INSTRUCT and one["state"] == "confirmed" for one in commands)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value[:80] if isinstance(value, str) and value else None


def _number(value: object) -> float | int | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
