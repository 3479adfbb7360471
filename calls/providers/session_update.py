"""Builds the part of a session body that `session.update` takes for a running call: only what differs, each field as a
whole. Pure; sends nothing.

A wrong field makes the provider refuse the whole update (field reports), so it is checked by the rules of
calls.providers.session_body first. No setting here is a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calls.domain.effective import FIELDS, summary
from calls.exceptions import InvalidInput
from calls.providers import session_body

_KEPT = {
    "server_vad": (
        "threshold", "prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms", "create_response",
        "interrupt_response",
    ),
    "semantic_vad": ("eagerness", "create_response", "interrupt_response"),
}  # fmt: skip
"""What stays of a turn detection when it is changed: the field is replaced as a whole"""
_PLACES = {
    "audio.input.turn_detection.threshold": "threshold",
    "audio.input.turn_detection.silence_duration_ms": "silence_ms",
    "audio.input.turn_detection.eagerness": "eagerness",
    "audio.input.turn_detection.type": "turn_detection",
    "audio.input.transcription.language": "language",
    "audio.output.voice": "voice",
    "audio.output.speed": "speed",
}
"""Where a complaint belongs in the form"""
_WORDS = {
    "voice": "Voice",
    "speed": "Speed",
    "turn_detection": "Turn detection",
    "threshold": "Threshold",
    "silence_ms": "Silence",
    "eagerness": "Eagerness",
    "language": "Language",
    "tools": "Tools",
}


def change(wanted: Mapping[str, Any], session: Mapping[str, Any], tool_choice: object = None) -> dict[str, Any]:
    """The update that brings `session` to `wanted` (flat, as calls.domain.effective says); {} where nothing differs.

    `tool_choice`: what tools are switched back on to. Raises InvalidInput, naming the field of the form.
    """
    now = summary(session)
    differs = {name for name in FIELDS if name in wanted and wanted[name] != now[name]}
    heard, spoken, update = {}, {}, {}
    kind = wanted.get("turn_detection") or now["turn_detection"]
    of_kind = {"server_vad": {"threshold", "silence_ms"}, "semantic_vad": {"eagerness"}}.get(kind or "", set())
    if "turn_detection" in differs or differs & of_kind:
        heard["turn_detection"] = _detection(kind, wanted, session)
    if "language" in differs:
        heard["transcription"] = _transcription(wanted["language"], session)
    for name in ("voice", "speed"):
        if name in differs:
            spoken[name] = wanted[name]
    if "tools" in differs:
        update["tool_choice"] = _choice(tool_choice) if wanted["tools"] else "none"
    audio = {side: part for side, part in (("input", heard), ("output", spoken)) if part}
    if audio:
        update["audio"] = audio
    if update:
        _check(update)
    return update


def sentence(update: Mapping[str, Any]) -> str:
    """`Speed 0.9, Turn detection semantic_vad`: what an update changes, for the list of commands."""
    said = {name: value for name, value in summary(update).items() if value is not None and name in FIELDS}
    said["tools"] = {"none": "off", None: None}.get(update.get("tool_choice"), "on")
    if "audio" in update and "transcription" in update["audio"].get("input", {}):
        said.setdefault("language", "any")
    shown = [f"{_WORDS[name]} {said[name]}" for name in FIELDS if said.get(name) is not None]
    return ", ".join(f"{one} ms" if one.startswith("Silence") else one for one in shown)


def _choice(published: object) -> object:
    """What tools are switched back on to: the agent's own choice, unless that was none."""
    return "auto" if published in (None, "none") else published


def _detection(kind: str | None, wanted: Mapping[str, Any], session: Mapping[str, Any]) -> dict[str, Any]:
    if kind not in _KEPT:
        raise InvalidInput("there is no such turn detection", "turn_detection")
    before = _part(session, "turn_detection")
    given = {
        "threshold": wanted.get("threshold"),
        "silence_duration_ms": wanted.get("silence_ms"),
        "eagerness": wanted.get("eagerness"),
    }
    kept = {name: before.get(name) for name in _KEPT[kind]}
    new = {name: value for name, value in given.items() if name in _KEPT[kind] and value is not None}
    return {"type": kind} | {name: value for name, value in (kept | new).items() if value is not None}


def _transcription(language: str | None, session: Mapping[str, Any]) -> dict[str, Any]:
    before = _part(session, "transcription")
    kept = {name: before[name] for name in ("model", "prompt", "keywords", "delay") if before.get(name) is not None}
    return {"model": session_body.TRANSCRIPTION_MODEL} | kept | {"language": language}


def _part(session: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    place: object = session
    for step in ("audio", "input", name):
        place = place.get(step) if isinstance(place, Mapping) else None
    return place if isinstance(place, Mapping) else {}


def _check(update: Mapping[str, Any]) -> None:
    try:
        session_body.validate_part({"type": "realtime", **update})
    except InvalidInput as error:
        reason = error.args[0].removeprefix(f"{error.field}: ")
        raise InvalidInput(reason, _PLACES.get(error.field, error.field.split(".")[0])) from None
