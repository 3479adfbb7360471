"""The form of an agent's session: a field for each setting, with the provider's default and limit beside it.

Names and bounds follow calls.providers.session_body, which has the last word; session_settings translates.
"""

from __future__ import annotations

from typing import Any

from django import forms

from calls.actions.agents import GREETING_LIMIT
from calls.domain.values import NAME_LIMIT, TEXT_LIMIT
from calls.providers.session_body import TRANSCRIPTION_MODEL, VOICES
from calls.web.admin.saving import PlainForm

MODELS = ("gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-realtime")
"""Suggestions only: a gateway has others"""
JSON_LIMIT = 60_000
_DEFAULT = ("", "Provider's default")
_SWITCH = [_DEFAULT, ("true", "Yes"), ("false", "No")]


def _text(label: str, hint: str = "", **options: Any) -> forms.CharField:
    options = {"required": False, "max_length": 80, **options}
    return forms.CharField(label=label, help_text=hint, **options)


def _area(label: str, hint: str, rows: int, **options: Any) -> forms.CharField:
    code = "code" if options.pop("code", False) else ""
    widget = forms.Textarea(attrs={"rows": rows, "class": code, "spellcheck": "false" if code else "true"})
    return _text(label, hint, widget=widget, **options)


def _suggested(label: str, hint: str, options: str, **more: Any) -> forms.CharField:
    return _text(label, hint, widget=forms.TextInput(attrs={"list": options, "autocomplete": "off"}), **more)


def _choice(label: str, choices: list[tuple[str, str]], hint: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, help_text=hint, required=False)


def _whole(label: str, hint: str) -> forms.IntegerField:
    return forms.IntegerField(label=label, help_text=hint, required=False)


def _ratio(label: str, hint: str, step: str = "0.01") -> forms.FloatField:
    return forms.FloatField(label=label, help_text=hint, required=False, widget=forms.NumberInput(attrs={"step": step}))


class SessionForm(PlainForm):
    """Empty means: the provider's default."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    name = _text("Name", "Shown on Live and in reports.", required=True, max_length=NAME_LIMIT)
    model = _suggested("Model", "As the provider names it.", "models", required=True)
    voice = _suggested("Voice", "Empty: the provider's choice. A custom voice begins with voice_.", "voices")
    speed = _ratio("Speed of speech", "0.25 to 1.5; default 1.0.", "0.05")
    greeting = _area(
        "Greeting",
        "Instructions for the first reply. Empty: the agent waits until the caller speaks.",
        2,
        max_length=GREETING_LIMIT,
    )

    turn_detection = _choice(
        "Whose turn it is",
        [
            _DEFAULT,
            ("server_vad", "By silence (server_vad)"),
            ("semantic_vad", "By meaning (semantic_vad)"),
            ("off", "Off: nobody replies by itself"),
        ],
        "Default: by silence.",
    )
    threshold = _ratio("Threshold", "0 to 1; default 0.5. Higher: louder speech is needed.")
    silence_duration_ms = _whole("Silence, ms", "After so much silence a turn is over; default 200.")
    prefix_padding_ms = _whole("Lead-in, ms", "Audio kept from before speech began; default 300.")
    idle_timeout_ms = _whole("Ask again after, ms", "The agent speaks up when nobody does; default: never.")
    eagerness = _choice(
        "Eagerness",
        [_DEFAULT, ("low", "Low: lets the caller finish"), ("medium", "Medium"), ("high", "High"), ("auto", "Auto")],
        "Default: auto, which is medium.",
    )
    create_response = _choice("Reply when a turn ends", _SWITCH, "Default: yes.")
    interrupt_response = _choice("The caller may interrupt", _SWITCH, "Default: yes.")

    transcription = _choice(
        "Words of the caller", [("on", "Transcribed"), ("off", "Not transcribed")], "Off: no word of callers is shown."
    )
    transcription_model = _text("Transcription model", f"Default: {TRANSCRIPTION_MODEL}.")
    language = _text("Language", "Such as en or de-CH; default: recognised.", max_length=12)
    noise_reduction = _choice(
        "Noise reduction",
        [_DEFAULT, ("near_field", "Near: handset, headset"), ("far_field", "Far: room, speaker"), ("off", "Off")],
        "Default: off.",
    )

    max_output_tokens = _text("Longest reply, tokens", "1 to 4096, or inf; default inf.", max_length=8)
    truncation = _choice(
        "When the conversation grows too long",
        [
            _DEFAULT,
            ("auto", "Drop the oldest (auto)"),
            ("disabled", "Fail (disabled)"),
            ("retention_ratio", "Keep a share (retention_ratio)"),
        ],
        "Default: auto.",
    )
    retention_ratio = _ratio("Share that is kept", "0 to 1.")
    post_instructions = _whole(
        "Tokens beyond the instructions", "Cut as soon as there are more; default: the model's limit."
    )
    effort = _choice(
        "Reasoning effort",
        [_DEFAULT, *((one, one.capitalize()) for one in ("minimal", "low", "medium", "high", "xhigh"))],
        "Only models that reason take it.",
    )

    tools = _area(
        "Tools, as a JSON list",
        'Such as [{"type": "function", "name": "find_order", "parameters": {…}}]; at most 128.',
        6,
        code=True,
        max_length=JSON_LIMIT,
    )
    tool_choice = _suggested(
        "Use of tools", "auto, none, required, or a function's name; default auto.", "tool-choices"
    )
    parallel_tool_calls = _choice("Several tools at once", _SWITCH, "Default: yes.")
    other = _area(
        "Other settings, as a JSON object",
        "output_modalities, prompt, tracing, include.",
        2,
        code=True,
        max_length=JSON_LIMIT,
    )

    GROUPS = (
        ("Who answers", ("name", "model", "voice", "speed", "greeting")),
        (
            "Turns",
            (
                *("turn_detection", "threshold", "silence_duration_ms", "prefix_padding_ms", "idle_timeout_ms"),
                *("eagerness", "create_response", "interrupt_response"),
            ),
        ),
        ("Hearing", ("transcription", "transcription_model", "language", "noise_reduction")),
        ("Replies", ("max_output_tokens", "effort", "truncation", "retention_ratio", "post_instructions")),
        ("Tools", ("tools", "tool_choice", "parallel_tool_calls", "other")),
    )
    WIDE = ("greeting", "tools", "other")

    def groups(self) -> list[tuple[str, list[tuple[Any, str, bool]]]]:
        """Legend and fields of each group; a field with its condition and whether it takes the whole row."""
        return [
            (legend, [(self[name], CONDITIONS.get(name, ""), name in self.WIDE) for name in names])
            for legend, names in self.GROUPS
        ]


class NewAgentForm(PlainForm):
    """The few fields that an agent needs; the rest of its session begins with the provider's defaults."""

    name = _text("Name", "Shown on Live and in reports.", required=True, max_length=NAME_LIMIT)
    model = _suggested("Model", "As the provider names it.", "models", required=True)
    voice = _suggested("Voice", "Empty: the provider's choice.", "voices")
    greeting = _area(
        "Greeting", "Instructions for the first reply. Empty: the agent waits.", 2, max_length=GREETING_LIMIT
    )
    text = _area("Instructions", "Become v1, published at once.", 10, required=True, max_length=TEXT_LIMIT)


CONDITIONS = {
    "threshold": "server_vad",
    "silence_duration_ms": "server_vad",
    "prefix_padding_ms": "server_vad",
    "idle_timeout_ms": "server_vad",
    "eagerness": "semantic_vad",
    "create_response": "vad",
    "interrupt_response": "vad",
    "transcription_model": "transcription",
    "language": "transcription",
    "retention_ratio": "retention",
    "post_instructions": "retention",
}
"""Fields that count for one choice of another only: the style sheet hides them for the others"""
SUGGESTIONS = {"models": MODELS, "voices": VOICES, "tool-choices": ("auto", "none", "required")}
