"""The body that accept takes: what is built from an agent's settings, and every refusal by its field."""

from __future__ import annotations

import pytest
from openai.types.realtime import RealtimeSessionCreateRequest

from calls.exceptions import InvalidInput
from calls.providers import session_body
from calls.providers.session_body import SETTINGS, TRANSCRIPTION_MODEL, VOICES, build, validate

FUNCTION = {"type": "function", "name": "look_up", "description": "d", "parameters": {"type": "object"}}
MCP = {"type": "mcp", "server_label": "shop", "server_url": "https://mcp.example/x", "authorization": "t"}


def body(**settings):
    return build("gpt-realtime-2.1", "marin", "Be brief.", settings)


def test_the_usual_body():
    assert body() == {
        "type": "realtime",
        "model": "gpt-realtime-2.1",
        "instructions": "Be brief.",
        "output_modalities": ["audio"],
        "audio": {
            "input": {"transcription": {"model": TRANSCRIPTION_MODEL}},
            "output": {"voice": "marin"},
        },
    }
    validate(body())
    RealtimeSessionCreateRequest.model_validate(body(), strict=True)


def test_the_default_transcription_model_is_not_about_to_end():
    # SDK docstring of AudioTranscription.model: these shut down on 2027-02-26.
    assert TRANSCRIPTION_MODEL not in {"whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"}


@pytest.mark.parametrize(
    ("setting", "sent"),
    [
        (True, {"model": TRANSCRIPTION_MODEL}),
        ({}, {"model": TRANSCRIPTION_MODEL}),
        ({"language": "de"}, {"model": TRANSCRIPTION_MODEL, "language": "de"}),
        ({"model": "my-deployment"}, {"model": "my-deployment"}),
        (False, None),
        (None, None),
    ],
)
def test_transcription(setting, sent):
    built = body(transcription=setting)
    validate(built)
    assert built["audio"]["input"]["transcription"] == sent


def test_voices():
    assert "output" not in build("m", "", "", {})["audio"]
    assert build("m", "voice_123", "", {})["audio"]["output"]["voice"] == {"id": "voice_123"}
    for voice in (*VOICES, "voice_123", ""):
        validate(build("m", voice, "", {}))
    with pytest.raises(InvalidInput, match=r"^audio\.output\.voice: "):
        validate(build("m", "bob", "", {}))


@pytest.mark.parametrize(
    "settings",
    [
        {"turn_detection": None},
        {"turn_detection": {"type": "server_vad", "threshold": 0, "idle_timeout_ms": 6000}},
        {"turn_detection": {"type": "semantic_vad", "eagerness": "low", "create_response": False}},
        {"noise_reduction": {"type": "near_field", "strength": 0.5}},
        {"noise_reduction": None},
        {"speed": 1},
        {"speed": 0.25},
        {"max_output_tokens": "inf"},
        {"max_output_tokens": 4096},
        {"output_modalities": ["text"]},
        {"tools": [FUNCTION, MCP], "tool_choice": {"type": "function", "name": "look_up"}},
        {"tools": [], "tool_choice": "none", "parallel_tool_calls": True},
        {"tool_choice": {"type": "mcp", "server_label": "shop"}},
        {"reasoning": {"effort": "low"}},
        {"truncation": "disabled"},
        {
            "truncation": {
                "type": "retention_ratio",
                "retention_ratio": 0.8,
                "token_limits": {"post_instructions": 5},
            }
        },
        {"tracing": "auto"},
        {"tracing": {"workflow_name": "shop", "metadata": {"a": 1}}},
        {"prompt": {"id": "pmpt_1", "version": "2"}},
        {"include": ["item.input_audio_transcription.logprobs"]},
    ],
    ids=str,
)
def test_accepted(settings):
    validate(body(**settings))


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"speed": 1.6}, "audio.output.speed"),
        ({"speed": "1"}, "audio.output.speed"),
        ({"speed": True}, "audio.output.speed"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"max_output_tokens": 4097}, "max_output_tokens"),
        ({"max_output_tokens": "all"}, "max_output_tokens"),
        ({"output_modalities": ["audio", "text"]}, "output_modalities"),
        ({"output_modalities": []}, "output_modalities"),
        ({"output_modalities": ["video"]}, "output_modalities[0]"),
        ({"turn_detection": "server_vad"}, "audio.input.turn_detection"),
        ({"turn_detection": {"threshold": 0.5}}, "audio.input.turn_detection"),
        (
            {"turn_detection": {"type": "server_vad", "threshold": 1.5}},
            "audio.input.turn_detection.threshold",
        ),
        (
            {"turn_detection": {"type": "server_vad", "eagerness": "low"}},
            "audio.input.turn_detection.eagerness",
        ),
        (
            {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}},
            "audio.input.turn_detection.threshold",
        ),
        (
            {"turn_detection": {"type": "server_vad", "silence_duration_ms": -1}},
            "audio.input.turn_detection.silence_duration_ms",
        ),
        ({"noise_reduction": {"type": "loud"}}, "audio.input.noise_reduction.type"),
        ({"noise_reduction": {}}, "audio.input.noise_reduction.type"),
        ({"transcription": "whisper-1"}, "audio.input.transcription"),
        ({"transcription": {"modle": "x"}}, "audio.input.transcription.modle"),
        ({"transcription": {"language": "german!"}}, "audio.input.transcription.language"),
        ({"tools": {}}, "tools"),
        ({"tools": [FUNCTION, {"name": "x"}]}, "tools[1]"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "look up"}]}, "tools[0].name"),
        ({"tools": [{**FUNCTION, "strict": True}]}, "tools[0].strict"),
        ({"tools": [FUNCTION, FUNCTION]}, "tools"),
        ({"tools": [{"type": "mcp", "server_label": "a"}]}, "tools[0]"),
        ({"tools": [{**MCP, "connector_id": "connector_gmail"}]}, "tools[0]"),
        ({"tools": [{**MCP, "server_url": "file:///etc/passwd"}]}, "tools[0].server_url"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "name": "absent"}}, "tool_choice.name"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"truncation": "never"}, "truncation"),
        ({"truncation": {"type": "retention_ratio"}}, "truncation.retention_ratio"),
        ({"truncation": {"type": "retention_ratio", "retention_ratio": 1.1}}, "truncation.retention_ratio"),
        ({"tracing": {"workflow": "x"}}, "tracing.workflow"),
        ({"prompt": {}}, "prompt.id"),
        ({"include": ["everything"]}, "include[0]"),
        ({"parallel_tool_calls": "yes"}, "parallel_tool_calls"),
    ],
    ids=str,
)
def test_refused_by_name(settings, field):
    with pytest.raises(InvalidInput) as refusal:
        validate(body(**settings))
    assert refusal.value.field == field
    assert "_" not in str(refusal.value).split(": ", 1)[1].split("'")[0].replace("server_url", "").replace(
        "connector_id", ""
    ).replace("tunnel_id", ""), "no name of our own classes"


@pytest.mark.parametrize("name", ["temperature", "modalities", "max_response_output_tokens", "model", "voice"])
def test_settings_that_do_not_exist(name):
    with pytest.raises(InvalidInput) as refusal:
        body(**{name: 1})
    assert refusal.value.field == name
    assert name not in SETTINGS


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        ({"temperature": 0.8}, "temperature"),
        ({"voice": "marin"}, "voice"),
        ({"audio": {"input": {"format": {"type": "audio/pcmu"}}}}, "audio.input.format"),
        ({"type": "transcription"}, "type"),
        ({"model": ""}, "model"),
        ({"model": "a b"}, "model"),
        ({"model": None}, "model"),
        ({"instructions": 7}, "instructions"),
        ({"instructions": "x" * 100_001}, "instructions"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bodies_from_elsewhere(extra, field):
    with pytest.raises(InvalidInput) as refusal:
        validate({**body(), **extra})
    assert refusal.value.field == field


def test_a_refusal_never_quotes_a_secret_of_a_tool():
    with pytest.raises(InvalidInput) as refusal:
        validate(body(tools=[{**MCP, "authorization": 7, "headers": {"k": "hunter2"}, "allowed_tools": "hunter2"}]))
    assert "hunter2" not in str(refusal.value)


def test_the_sdk_has_the_last_word():
    """A field that our rules let through but the SDK's types do not is refused too."""
    with pytest.raises(InvalidInput) as refusal:
        validate(body(tools=[{**MCP, "require_approval": {"always": "x"}}]))
    assert refusal.value.field.startswith("tools[0].require_approval")


def test_every_setting_has_a_place_that_the_rules_know():
    for path in SETTINGS.values():
        model = session_body._Session
        *parents, last = path
        for parent in parents:
            model = next(part for part in model.model_fields[parent].annotation.__args__ if part is not type(None))
        assert last in model.model_fields
