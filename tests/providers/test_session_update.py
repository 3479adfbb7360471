"""An update of a running session holds what differs, as whole fields that the provider takes."""

from __future__ import annotations

import pytest

from calls.exceptions import InvalidInput
from calls.providers.session_update import change, sentence

SESSION = {
    "audio": {
        "input": {
            "transcription": {"model": "whisper-1", "language": "de", "prompt": None, "unknown": 1},
            "turn_detection": {"type": "server_vad", "threshold": 0.5, "create_response": True, "unknown": 1},
        },
        "output": {"voice": "marin", "speed": 1.0},
    },
    "tool_choice": "auto",
}


@pytest.mark.parametrize(
    ("wanted", "update", "said"),
    [
        ({}, {}, ""),
        ({"speed": 1.0, "voice": "marin", "tools": True, "language": "de"}, {}, ""),
        ({"speed": 0.9}, {"audio": {"output": {"speed": 0.9}}}, "Speed 0.9"),
        ({"voice": "ash"}, {"audio": {"output": {"voice": "ash"}}}, "Voice ash"),
        ({"tools": False}, {"tool_choice": "none"}, "Tools off"),
        (
            {"language": "en"},
            {"audio": {"input": {"transcription": {"model": "whisper-1", "language": "en"}}}},
            "Language en",
        ),
        (
            {"language": None},
            {"audio": {"input": {"transcription": {"model": "whisper-1", "language": None}}}},
            "Language any",
        ),
        (
            {"turn_detection": "semantic_vad", "eagerness": "low", "threshold": 0.9},
            {"audio": {"input": {"turn_detection": {
                "type": "semantic_vad", "eagerness": "low", "create_response": True}}}},
            "Turn detection semantic_vad, Eagerness low",
        ),
        (
            {"silence_ms": 800},
            {"audio": {"input": {"turn_detection": {
                "type": "server_vad", "threshold": 0.5, "silence_duration_ms": 800, "create_response": True}}}},
            "Turn detection server_vad, Threshold 0.5, Silence 800 ms",
        ),
    ],
)  # fmt: skip
def test_what_differs_is_sent_and_said(wanted, update, said) -> None:
    assert change(wanted, SESSION) == update
    assert sentence(update) == said


def test_settings_of_the_other_kind_of_detection_change_nothing() -> None:
    assert change({"eagerness": "low", "turn_detection": "server_vad"}, SESSION) == {}


@pytest.mark.parametrize(("published", "becomes"), [(None, "auto"), ("none", "auto"), ("required", "required")])
def test_tools_go_back_to_what_the_agent_has(published, becomes) -> None:
    assert change({"tools": True}, {"tool_choice": "none"}, published) == {"tool_choice": becomes}


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"speed": 3.0}, "speed"),
        ({"voice": "robot"}, "voice"),
        ({"threshold": 2.0}, "threshold"),
        ({"silence_ms": -1}, "silence_ms"),
        ({"turn_detection": "psychic"}, "turn_detection"),
        ({"turn_detection": "semantic_vad", "eagerness": "wild"}, "eagerness"),
        ({"language": "Klingon!"}, "language"),
    ],
)
def test_what_the_provider_would_refuse_names_its_field(wanted, field) -> None:
    with pytest.raises(InvalidInput) as caught:
        change(wanted, SESSION)
    assert caught.value.field == field
    assert "audio" not in str(caught.value)
