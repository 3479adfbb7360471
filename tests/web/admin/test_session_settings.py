"""Settings become fields and settings again; what the form has no field for survives."""

from __future__ import annotations

import pytest

from calls.exceptions import InvalidInput
from calls.models import Agent
from calls.providers import session_body
from calls.web.admin import session_settings
from calls.web.admin.session_form import SessionForm

EACH = [
    {},
    {"turn_detection": None},
    {"turn_detection": {"type": "server_vad", "threshold": 0.7, "prefix_padding_ms": 100, "idle_timeout_ms": 9_000}},
    {"turn_detection": {"type": "semantic_vad", "eagerness": "low", "interrupt_response": False}},
    {"transcription": None},
    {"transcription": {"model": "m", "language": "de", "prompt": "Names", "keywords": ["Acme"]}},
    {"noise_reduction": None},
    {"noise_reduction": {"type": "near_field", "strength": 0.5}},
    {"speed": 1.2, "max_output_tokens": 500, "parallel_tool_calls": False},
    {"max_output_tokens": "inf", "reasoning": {"effort": "low"}},
    {"truncation": "disabled"},
    {"truncation": {"type": "retention_ratio", "retention_ratio": 0.8, "token_limits": {"post_instructions": 900}}},
    {"tools": [{"type": "function", "name": "find"}], "tool_choice": {"type": "function", "name": "find"}},
    {"tools": [{"type": "mcp", "server_label": "crm", "server_url": "https://x.example"}], "tool_choice": "required"},
    {"tool_choice": {"type": "mcp", "server_label": "crm"}},
    {"output_modalities": ["text"], "tracing": "auto", "prompt": {"id": "p"}, "include": []},
]


def through_the_form(settings):
    agent = Agent(name="A", model="m", voice="marin", settings=settings)
    data = {name: value for name, value in session_settings.initial(agent).items() if value is not None}
    form = SessionForm(data)
    assert form.is_valid(), form.errors
    return session_settings.settings(form.cleaned_data, settings)


@pytest.mark.parametrize("settings", EACH, ids=str)
def test_what_is_not_touched_stays(settings):
    assert through_the_form(settings) == settings


def test_the_form_covers_every_setting_that_the_body_takes():
    assert set(session_settings.FORM_KEYS) == set(session_body.SETTINGS)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("turn_detection.threshold", "threshold"),
        ("turn_detection", "turn_detection"),
        ("transcription.model", "transcription_model"),
        ("transcription.keywords[0]", "transcription"),
        ("reasoning.effort", "effort"),
        ("truncation.retention_ratio", "retention_ratio"),
        ("truncation.token_limits.post_instructions", "post_instructions"),
        ("tools[0].name", "tools"),
        ("tools", "tools"),
        ("tool_choice.name", "tool_choice"),
        ("tracing.metadata", "other"),
        ("speed", "speed"),
        ("model", "model"),
    ],
)
def test_a_path_leads_to_its_field(path, field):
    data = dict.fromkeys(SessionForm.base_fields, "")
    assert session_settings.place(path, "no", data)[0] == field


def test_a_tool_is_found_by_its_line():
    text = '[\n  {"name": "a"},\n\n  {"name": "b"}\n]'
    assert [session_settings.line_of(text, index) for index in range(3)] == [2, 4, 0]


@pytest.mark.parametrize("text", ["[", "[1e999]", "[" * 100_000, '["\\ud800"]', "[" + "1" * 5_000 + "]"])
def test_what_cannot_be_kept_is_refused_in_words(text):
    with pytest.raises(InvalidInput) as caught:
        session_settings.json_of(text, "tools", list)
    assert caught.value.field == "tools"
