"""The session as the call page shows it: what is in force, where it differs from the agent's own settings, and what may
be changed. Mirrored by js/call/session.js; the action checks it all again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calls.domain.effective import has_spoken, replaced_instructions, summary
from calls.providers.session_body import VOICES

Body = Mapping[str, Any]

LABELS = {
    "model": "Model",
    "voice": "Voice",
    "speed": "Speed",
    "turn_detection": "Turn detection",
    "threshold": "Threshold",
    "silence_ms": "Silence, ms",
    "eagerness": "Eagerness",
    "language": "Caller's language",
    "transcription": "Transcription",
    "noise_reduction": "Noise reduction",
    "tools": "Tools",
}
DETECTIONS = {"server_vad": "By silence (server_vad)", "semantic_vad": "By meaning (semantic_vad)"}
EAGERNESS = ("auto", "low", "medium", "high")
MODEL_REASON = "The provider fixes the model when the call begins."
VOICE_REASON = "The provider fixes the voice once the agent has spoken."
REPLACED = "Instructions"


def panel(body: Body, published: Body) -> dict[str, Any]:
    """All that the template needs; `published` is a session body, {} without an agent."""
    own = summary(published)
    now = body["session"] or own
    return {
        "now": now,
        "own": own,
        "known": body["session"] is not None,
        "voice_locked": has_spoken(body["turns"]),
        "differences": differences(body, own) if published else [],
    }


def differences(body: Body, own: Body) -> list[tuple[str, str, str]]:
    """Label, the agent's own value, the value in force. What the agent leaves to the provider is no difference."""
    now = body["session"] or own
    found = [
        (label, words(own[name]), words(now[name]))
        for name, label in LABELS.items()
        if own[name] is not None and own[name] != now[name]
    ]
    if replaced_instructions(body["commands"]):
        found.insert(0, (REPLACED, "published", "replaced in this call"))
    return found


def words(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {True: "on", False: "off", None: "not set"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def table() -> dict[str, Any]:
    """For the page's script."""
    return {"labels": LABELS, "replaced": REPLACED}


def choices() -> dict[str, Any]:
    return {"voices": VOICES, "detections": DETECTIONS, "eagerness": EAGERNESS}
