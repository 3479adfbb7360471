"""Builds and checks the session body that `accept` takes. Pure; sends nothing.

The provider answers 200 to a bad body and then the call fails in silence (community report, May 2026), so a
body is checked before it is sent: by the rules of the Realtime API as models of our own that know no other
field, and then by the openai SDK's types. A model's name is not checked against a list: a gateway has others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal

from openai.types.realtime import RealtimeSessionCreateRequest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from calls.exceptions import InvalidInput

VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
TRANSCRIPTION_MODEL = "gpt-realtime-whisper"
"""Recorded in voice sessions at OpenAI and Azure, with no shutdown announced. whisper-1 and the gpt-4o family
end on 2027-02-26; gpt-transcribe and gpt-live-transcribe are documented for transcription sessions only"""

SETTINGS: Mapping[str, tuple[str, ...]] = {
    "transcription": ("audio", "input", "transcription"),
    "noise_reduction": ("audio", "input", "noise_reduction"),
    "turn_detection": ("audio", "input", "turn_detection"),
    "speed": ("audio", "output", "speed"),
    "output_modalities": ("output_modalities",),
    "tools": ("tools",),
    "tool_choice": ("tool_choice",),
    "parallel_tool_calls": ("parallel_tool_calls",),
    "reasoning": ("reasoning",),
    "max_output_tokens": ("max_output_tokens",),
    "truncation": ("truncation",),
    "tracing": ("tracing",),
    "prompt": ("prompt",),
    "include": ("include",),
}
"""Agent setting → its place in the body. Audio formats are absent on purpose: on a phone call the media
decides."""

_HINTS = {
    "temperature": "the Realtime API has no temperature",
    "modalities": "this is the name of the beta API; use output_modalities",
    "max_response_output_tokens": "this is the name of the beta API; use max_output_tokens",
}

_WORDS = {
    "missing": "is missing",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "string_type": "must be text",
    "union_tag_not_found": "has no type",
}
"""In place of pydantic's words, where these name its own classes"""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Short = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z]{2,4})?$")]
Milliseconds = Annotated[int, Field(ge=0, le=600_000)]
Ratio = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    """Knows its own fields only, and converts nothing: "0.5" is no number."""

    model_config = ConfigDict(extra="forbid", strict=True)


class _Transcription(_Part):
    model: Short
    language: Language | None = None
    languages: list[Language] | None = None
    prompt: Annotated[str, Field(max_length=4_000)] | None = None
    keywords: Annotated[list[Short], Field(max_length=200)] | None = None
    delay: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class _NoiseReduction(_Part):
    type: Literal["near_field", "far_field"]
    strength: Annotated[float, Field(ge=0)] | None = None


class _ServerVad(_Part):
    type: Literal["server_vad"]
    threshold: Ratio | None = None
    prefix_padding_ms: Milliseconds | None = None
    silence_duration_ms: Milliseconds | None = None
    idle_timeout_ms: Milliseconds | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None


class _SemanticVad(_Part):
    type: Literal["semantic_vad"]
    eagerness: Literal["low", "medium", "high", "auto"] | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None


class _Input(_Part):
    transcription: _Transcription | None = None
    noise_reduction: _NoiseReduction | None = None
    turn_detection: Annotated[_ServerVad | _SemanticVad, Field(discriminator="type")] | None = None


class _CustomVoice(_Part):
    id: Short


class _Output(_Part):
    voice: (
        Literal["alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar"]
        | (_CustomVoice)
        | None
    ) = None
    speed: Annotated[float, Field(ge=0.25, le=1.5)] | None = None


class _Audio(_Part):
    input: _Input | None = None
    output: _Output | None = None


class _Function(_Part):
    type: Literal["function"]
    name: Name
    description: Annotated[str, Field(max_length=4_000)] | None = None
    parameters: dict[str, Any] | None = None


class _Mcp(_Part):
    type: Literal["mcp"]
    server_label: Name
    server_url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=2_000)] | None = None
    connector_id: Short | None = None
    tunnel_id: Short | None = None
    server_description: Annotated[str, Field(max_length=4_000)] | None = None
    authorization: Annotated[str, Field(max_length=8_000)] | None = None
    headers: dict[str, str] | None = None
    allowed_tools: list[Short] | dict[str, Any] | None = None
    require_approval: Literal["always", "never"] | dict[str, Any] | None = None
    defer_loading: bool | None = None

    @model_validator(mode="after")
    def has_one_address(self) -> _Mcp:
        if [self.server_url, self.connector_id, self.tunnel_id].count(None) != 2:
            raise ValueError("give exactly one of server_url, connector_id and tunnel_id")
        return self


class _ForcedFunction(_Part):
    type: Literal["function"]
    name: Name


class _ForcedMcp(_Part):
    type: Literal["mcp"]
    server_label: Name
    name: Name | None = None


class _Reasoning(_Part):
    effort: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None


class _TokenLimits(_Part):
    post_instructions: Annotated[int, Field(ge=1)] | None = None


class _Retention(_Part):
    type: Literal["retention_ratio"]
    retention_ratio: Ratio
    token_limits: _TokenLimits | None = None


class _Tracing(_Part):
    workflow_name: Short | None = None
    group_id: Short | None = None
    metadata: dict[str, Any] | None = None


class _Prompt(_Part):
    id: Short
    version: Short | None = None
    variables: dict[str, Any] | None = None


class _Session(_Part):
    type: Literal["realtime"]
    model: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,80}$")]
    instructions: Annotated[str, Field(max_length=100_000)] | None = None
    """Characters; instructions and tools together may have 16,384 tokens, which only the provider can
    count"""
    audio: _Audio | None = None
    output_modalities: Annotated[list[Literal["audio", "text"]], Field(min_length=1, max_length=1)] | None = None
    tools: Annotated[list[Annotated[_Function | _Mcp, Field(discriminator="type")]], Field(max_length=128)] | None = (
        None
    )
    tool_choice: (
        Literal["auto", "none", "required"]
        | (Annotated[_ForcedFunction | _ForcedMcp, Field(discriminator="type")])
        | None
    ) = None
    parallel_tool_calls: bool | None = None
    reasoning: _Reasoning | None = None
    max_output_tokens: Annotated[int, Field(ge=1, le=4096)] | Literal["inf"] | None = None
    truncation: Literal["auto", "disabled"] | _Retention | None = None
    tracing: Literal["auto"] | _Tracing | None = None
    prompt: _Prompt | None = None
    include: list[Literal["item.input_audio_transcription.logprobs"]] | None = None


class _Update(_Part):
    """What an operator may change in a running session."""

    type: Literal["realtime"]
    audio: _Audio | None = None
    tool_choice: (
        Literal["auto", "none", "required"]
        | (Annotated[_ForcedFunction | _ForcedMcp, Field(discriminator="type")])
        | None
    ) = None


def build(model: str, voice: str, instructions: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body for `accept`; it is not checked yet. Raises InvalidInput for a setting that SETTINGS
    lacks.

    Transcription is on unless the setting is null or false: without it no word of the caller is ever shown. A
    transcription without a model gets the default one. An empty voice leaves the choice to the provider.
    """
    body: dict[str, Any] = {
        "type": "realtime",
        "model": model,
        "instructions": instructions,
        "output_modalities": ["audio"],
        "audio": {"input": {"transcription": {"model": TRANSCRIPTION_MODEL}}, "output": {}},
    }
    if voice:
        body["audio"]["output"]["voice"] = {"id": voice} if voice.startswith("voice_") else voice
    for name, value in settings.items():
        if name not in SETTINGS:
            raise InvalidInput(_HINTS.get(name, "there is no such setting"), field=name)
        if name == "transcription":
            value = _transcription(value)
        place = body
        *parents, last = SETTINGS[name]
        for parent in parents:
            place = place[parent]
        place[last] = value
    if not body["audio"]["output"]:
        del body["audio"]["output"]
    return body


def validate(body: Mapping[str, Any]) -> None:
    """Raise InvalidInput, naming the field as a path, for a body that the provider would not carry out."""
    try:
        session = _Session.model_validate(dict(body))
    except ValidationError as error:
        raise _worst(error, body) from None
    try:
        _sdk_type().validate_python(dict(body))
    except ValidationError as error:
        raise _worst(error, body) from None
    functions = [tool.name for tool in session.tools or () if isinstance(tool, _Function)]
    if len(functions) != len(set(functions)):
        raise InvalidInput("two functions have the same name", field="tools")
    choice = session.tool_choice
    if isinstance(choice, _ForcedFunction) and choice.name not in functions:
        raise InvalidInput("there is no function of this name in tools", field="tool_choice.name")


def validate_part(body: Mapping[str, Any]) -> None:
    """Raise InvalidInput, naming the field as a path, for an update of a running session that would be refused."""
    try:
        _Update.model_validate(dict(body))
        _sdk_type().validate_python(dict(body))
    except ValidationError as error:
        raise _worst(error, body) from None


def _transcription(value: object) -> object:
    if value is None or value is False:
        return None
    if value is True:
        return {"model": TRANSCRIPTION_MODEL}
    return {"model": TRANSCRIPTION_MODEL, **value} if isinstance(value, Mapping) else value


@cache
def _sdk_type() -> TypeAdapter[RealtimeSessionCreateRequest]:
    return TypeAdapter(RealtimeSessionCreateRequest)


def _worst(error: ValidationError, body: Mapping[str, Any]) -> InvalidInput:
    """The deepest complaint: of a union's branches, that is the one which got furthest. Never quotes the
    input."""
    worst = max(error.errors(include_url=False, include_input=False), key=lambda found: len(found["loc"]))
    path = _path(worst["loc"], body, absent=worst["type"] == "missing")
    if worst["type"] == "extra_forbidden":
        reason = _HINTS.get(str(worst["loc"][-1]), "there is no such setting")
    else:
        reason = _WORDS.get(worst["type"]) or worst["msg"].removeprefix("Value error, ")
    return InvalidInput(reason, field=path)


def _path(location: Sequence[int | str], body: object, *, absent: bool) -> str:
    """`tools[0].name`: the parts of pydantic's location that lead through the body; union branches are left
    out."""
    path = ""
    for part in location:
        if isinstance(body, list) and isinstance(part, int):
            path += f"[{part}]"
            body = body[part] if part < len(body) else None
        elif isinstance(body, Mapping) and (part in body or (absent and part == location[-1])):
            path += f".{part}" if path else str(part)
            body = body.get(part)
    return path
