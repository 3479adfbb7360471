"""The flat picture of a session, from what providers say and leave out."""

from __future__ import annotations

import pytest

from calls.domain.effective import FIELDS, has_spoken, replaced_instructions, summary

WHOLE = {
    "model": "gpt-realtime",
    "audio": {
        "input": {
            "transcription": {"model": "whisper-1", "language": "de"},
            "noise_reduction": {"type": "near_field"},
            "turn_detection": {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 200},
        },
        "output": {"voice": "marin", "speed": 1.1},
    },
    "tools": [{}, {}],
    "tool_choice": "auto",
}


def test_a_whole_session() -> None:
    assert summary(WHOLE) == {
        "model": "gpt-realtime", "voice": "marin", "speed": 1.1, "turn_detection": "server_vad", "threshold": 0.5,
        "silence_ms": 200, "eagerness": None, "language": "de", "transcription": "whisper-1",
        "noise_reduction": "near_field", "tools": True, "tool_count": 2,
    }  # fmt: skip
    assert set(FIELDS) <= set(summary({}))


@pytest.mark.parametrize(
    "odd", [{}, {"audio": None}, {"audio": {"input": [], "output": "loud"}}, {"audio": {"output": {"speed": True}}}]
)
def test_what_is_not_said_is_not_known(odd) -> None:
    told = summary(odd)
    assert (told["voice"], told["speed"], told["turn_detection"], told["tools"]) == (None, None, None, True)


def test_a_voice_of_ones_own_is_named_by_its_id_and_nothing_is_endless() -> None:
    assert summary({"audio": {"output": {"voice": {"id": "voice_1"}}}})["voice"] == "voice_1"
    assert len(summary({"model": "m" * 900})["model"] or "") == 80


def test_what_fixes_the_voice_and_what_replaced_the_instructions() -> None:
    turn = {"kind": "message", "speaker": "agent"}
    assert has_spoken([turn | {"speaker": "caller"}, turn])
    assert not has_spoken([turn | {"kind": "tool_call"}])
    instruct = {"verb": "instruct", "state": "confirmed"}
    assert replaced_instructions([instruct])
    assert not replaced_instructions([instruct | {"state": "sent"}, instruct | {"verb": "say"}])
