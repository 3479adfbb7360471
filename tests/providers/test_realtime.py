"""Frames to events: names of both dialects, tolerance, bounds, and no exception whatever the bytes."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calls.domain import events
from calls.providers import frames, realtime
from calls.providers.realtime import decode, encode


def frame(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, "event_id": "event_1", **fields}).encode()


SPOKEN = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
HEARD = {"item_id": "i", "content_index": 0}
MESSAGE = {"id": "i", "type": "message", "role": "assistant", "status": "completed"}
ITEM = events.Item("i", "message", "assistant", "completed")


@pytest.mark.parametrize(
    ("kind", "fields", "event"),
    [
        ("conversation.item.added", {"item": MESSAGE}, events.ItemAdded(ITEM, None)),
        (
            "conversation.item.created",
            {"item": MESSAGE, "previous_item_id": "h"},
            events.ItemAdded(ITEM, "h"),
        ),
        ("conversation.item.done", {"item": MESSAGE}, events.ItemDone(ITEM, None)),
        ("conversation.item.retrieved", {"item": MESSAGE}, events.ItemRetrieved(ITEM)),
        (
            "conversation.item.truncated",
            {**HEARD, "audio_end_ms": 1500},
            events.ItemTruncated("i", 0, 1500),
        ),
        ("conversation.item.deleted", {"item_id": "i"}, events.ItemDeleted("i")),
        (
            "conversation.item.input_audio_transcription.delta",
            {**HEARD, "delta": "Hi", "obfuscation": "x"},
            events.TranscriptionDelta("i", 0, "Hi"),
        ),
        (
            "conversation.item.input_audio_transcription.completed",
            {**HEARD, "transcript": "Hi.", "usage": {"type": "duration", "seconds": 3}},
            events.TranscriptionCompleted("i", 0, "Hi.", None, 3.0),
        ),
        (
            "conversation.item.input_audio_transcription.completed",
            {**HEARD, "transcript": "Hi."},
            events.TranscriptionCompleted("i", 0, "Hi."),
        ),
        (
            "conversation.item.input_audio_transcription.failed",
            {**HEARD, "error": {"type": "server_error", "code": "x", "message": "m", "param": None}},
            events.TranscriptionFailed("i", 0, events.ProviderFaultInfo("server_error", "x", "m", "")),
        ),
        (
            "input_audio_buffer.speech_started",
            {"item_id": "i", "audio_start_ms": 1},
            events.SpeechStarted("i", 1),
        ),
        (
            "input_audio_buffer.speech_stopped",
            {"item_id": "i", "audio_end_ms": 2},
            events.SpeechStopped("i", 2),
        ),
        ("input_audio_buffer.committed", {"item_id": "i"}, events.AudioCommitted("i", None)),
        ("input_audio_buffer.timeout_triggered", {"item_id": "i"}, events.SilenceTimedOut("i")),
        ("input_audio_buffer.dtmf_event_received", {"event": "9"}, events.KeypadPressed("9")),
        (" input_audio_buffer.dtmf_event_received", {"event": "9"}, events.KeypadPressed("9")),
        ("output_audio_buffer.started", {"response_id": "r"}, events.PlaybackStarted("r")),
        ("output_audio_buffer.stopped", {"response_id": "r"}, events.PlaybackStopped("r")),
        ("output_audio_buffer.cleared", {"response_id": "r"}, events.PlaybackCleared("r")),
        (
            "response.output_item.added",
            {"response_id": "r", "item": MESSAGE},
            events.OutputItemAdded("r", ITEM),
        ),
        (
            "response.output_item.done",
            {"response_id": "r", "item": MESSAGE},
            events.OutputItemDone("r", ITEM),
        ),
        *(
            (f"response.{name}.delta", {**SPOKEN, "delta": "Hi"}, events.OutputDelta("r", "i", 0, "Hi"))
            for name in ("output_audio_transcript", "audio_transcript", "output_text", "text")
        ),
        *(
            (f"response.{name}.done", {**SPOKEN, key: "Hi."}, events.OutputTextDone("r", "i", 0, "Hi."))
            for name, key in (
                ("output_audio_transcript", "transcript"),
                ("audio_transcript", "transcript"),
                ("output_text", "text"),
                ("text", "text"),
            )
        ),
        (
            "response.content_part.done",
            {**SPOKEN, "part": {"type": "audio", "transcript": "Hi."}},
            events.OutputTextDone("r", "i", 0, "Hi."),
        ),
        ("response.content_part.done", SPOKEN, events.Ignored("response.content_part.done")),
        (
            "response.function_call_arguments.delta",
            {**SPOKEN, "delta": "{"},
            events.ArgumentsDelta("r", "i", "{"),
        ),
        (
            "response.function_call_arguments.done",
            {**SPOKEN, "call_id": "call_1", "arguments": "{}"},
            events.ArgumentsDone("r", "i", "call_1", None, "{}"),
        ),
        (
            "response.mcp_call_arguments.done",
            {**SPOKEN, "arguments": "{}"},
            events.ArgumentsDone("r", "i", None, None, "{}"),
        ),
        ("response.mcp_call.failed", {"item_id": "i"}, events.ToolProgressed("i", "failed")),
        ("mcp_list_tools.in_progress", {"item_id": "i"}, events.ToolProgressed("i", "in_progress")),
        (
            "rate_limits.updated",
            {"rate_limits": [{"name": "tokens", "limit": 9, "remaining": 8, "reset_seconds": 0.5}]},
            events.RateLimitsReported((events.RateLimit("tokens", 9, 8, 0.5),)),
        ),
        (
            "error",
            {"error": {"type": "t", "code": None, "message": "m", "event_id": "cmd_1"}},
            events.ProviderFault(events.ProviderFaultInfo("t", "", "m", ""), "cmd_1"),
        ),
        ("conversation.created", {}, events.Ignored("conversation.created")),
        ("response.output_audio.done", SPOKEN, events.Ignored("response.output_audio.done")),
        ("session.started", {}, events.Unrecognised("session.started")),
    ],
)
def test_each_known_type_is_understood(kind: str, fields: dict[str, Any], event: events.Event) -> None:
    assert decode(frame(kind, **fields)) == event
    assert decode(frame(kind, **fields).decode()) == event


@pytest.mark.parametrize(
    "raw",
    [
        b'{"type":"response.output_audio.delta","event_id":"e","delta":"AAAA"',
        b'{"event_id": "event_1", "type": "response.audio.delta", "delta": "AA',
        '{"type":"response.audio.delta"',
    ],
)
def test_sound_is_dropped_without_being_read(raw: bytes | str) -> None:
    assert decode(raw) == events.Ignored("response.output_audio.delta")


def test_sound_in_another_order_of_fields_is_ignored_too() -> None:
    raw = json.dumps({"delta": "AAAA", "type": "response.audio.delta"})

    assert decode(raw) == events.Ignored("response.audio.delta")


def test_words_that_look_like_a_frame_of_sound_are_words() -> None:
    words = '{"type":"response.audio.delta"'

    assert decode(frame("response.text.delta", **SPOKEN, delta=words)) == events.OutputDelta("r", "i", 0, words)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        b"",
        "null",
        "[]",
        "7",
        "{",
        b"\xff\xfe",
        '"\ud800"',
        '{"type": "error", "error": {"message": "\\ud800"}}',
        '{"type": "error", "n": 1e309}',
        "[" * 10_000,
        '{"type":' + "[" * 10_000 + "]" * 10_000 + "}",
        "{}",
        '{"type": 7}',
        '{"type": null}',
        b'{"type": "response.created", "x": "a\x00b"}',
        frame("response.created"),
        frame("response.created", response=[]),
        frame("response.done", response={"id": ""}),
        frame("conversation.item.added", item={"id": "x" * 201}),
        frame("conversation.item.deleted", item_id="\0"),
        frame("response.text.delta", **{**SPOKEN, "delta": None}),
        frame("conversation.item.truncated", **HEARD, audio_end_ms=-1),
        frame("conversation.item.truncated", **HEARD, audio_end_ms=10**30),
        frame("conversation.item.truncated", **HEARD, audio_end_ms=True),
    ],
)
def test_what_cannot_be_read_is_malformed(raw: bytes | str) -> None:
    event = decode(raw)

    assert isinstance(event, events.Malformed)
    assert len(event.reason) < 40


def test_nul_and_excess_are_taken_from_texts() -> None:
    delta = decode(frame("response.text.delta", **SPOKEN, delta="a\0b" + "c" * 200_000))

    assert isinstance(delta, events.OutputDelta)
    assert delta.delta.startswith("abc")
    assert len(delta.delta) == frames.TEXT_LIMIT - 1


def test_the_session_keeps_no_secret() -> None:
    session = {
        "model": "gpt-realtime",
        "expires_at": 1_800_000_000,
        "client_secret": {"value": "ek_1"},
        "tools": [
            {
                "type": "mcp",
                "authorization": "Bearer x",
                "headers": {"X-Key": "x"},
                "server_url": "https://user:x@tools.example/mcp?token=x",
            },
            {"type": "function", "parameters": {"properties": {"password": {"type": "string"}}}},
        ],
    }

    event = decode(frame("session.updated", session=session))

    assert isinstance(event, events.SessionReported)
    assert event.updated
    assert event.expires_at == 1_800_000_000
    assert event.session["tools"] == [
        {"type": "mcp", "server_url": "https://tools.example/mcp"},
        {"type": "function", "parameters": {"properties": {"password": {"type": "string"}}}},
    ]
    assert "client_secret" not in event.session


def test_a_session_is_bounded_in_depth_and_breadth() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = {"a": deep, "n": 10**30}
    event = decode(frame("session.created", session={"deep": deep, "wide": list(range(10_000))}))

    assert isinstance(event, events.SessionReported)
    assert not event.updated
    assert len(orjson.dumps(event.session)) < 60_000


def test_images_and_sound_of_items_are_left_behind() -> None:
    item = {
        "id": "i",
        "type": "message",
        "role": "user",
        "content": [
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
            {"type": "input_audio", "audio": "AAAA", "transcript": None},
            {"type": "input_text", "text": "see data:image/png;base64,AAAA= here"},
            {"type": "new_thing"},
            7,
        ],
    }

    event = decode(frame("conversation.item.added", item=item))

    assert isinstance(event, events.ItemAdded)
    assert event.item.content == (
        events.Content("image"),
        events.Content("audio"),
        events.Content("text", "see [data] here"),
        events.Content("other"),
        events.Content("other"),
    )


@pytest.mark.parametrize(
    ("known", "out_of_band"),
    [({}, False), ({"conversation_id": None}, True), ({"conversation_id": "c"}, False)],
)
def test_out_of_band_is_a_conversation_that_is_named_as_none(known: dict[str, Any], out_of_band: bool) -> None:
    event = decode(frame("response.created", response={"id": "r", "status": "in_progress", **known}))

    assert isinstance(event, events.ResponseCreated)
    assert event.response.out_of_band is out_of_band


def test_a_failed_response_has_its_cause() -> None:
    details = {"type": "failed", "reason": None, "error": {"type": "t", "code": "c", "message": "m" * 900}}
    response = {
        "id": "r",
        "status": "failed",
        "status_details": details,
        "usage": None,
        "output": [{}, {"id": "i"}],
    }

    event = decode(frame("response.done", response={**response, "metadata": {"command": "ab", "n": 1}}))

    assert isinstance(event, events.ResponseDone)
    info = event.response
    assert info.fault is not None
    assert (info.fault.code, len(info.fault.message), info.tokens) == ("c", 500, None)
    assert [item.id for item in info.items] == ["i"]
    assert info.metadata == {"command": "ab", "n": ""}


def test_an_event_is_encoded_as_it_is() -> None:
    event = {"type": "session.update", "session": {"type": "realtime", "instructions": "ż"}}

    assert orjson.loads(encode(event)) == event
    assert orjson.loads(encode(event, "beta"))["session"] == {"instructions": "ż"}
    assert event["session"] == {"type": "realtime", "instructions": "ż"}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise(raw: bytes) -> None:
    decode(raw)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(), max_size=200))
def test_no_text_raises(raw: str) -> None:
    decode(raw)


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**25), 10**25),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=4,
)
FIELDS = [
    "item",
    "item_id",
    "response",
    "response_id",
    "previous_item_id",
    "content_index",
    "delta",
    "transcript",
    "text",
    "arguments",
    "usage",
    "part",
    "session",
    "error",
    "rate_limits",
    "audio_end_ms",
    "event",
    "id",
    "type",
    "role",
    "status",
    "content",
    "output",
    "metadata",
    "status_details",
    "input_tokens",
    "input_token_details",
    "cached_tokens_details",
    "conversation_id",
    "name",
    "call_id",
]
SHAPED = st.recursive(JSON, lambda inner: st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6), max_leaves=6)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(realtime._READERS)),
    st.dictionaries(st.sampled_from(FIELDS), SHAPED, max_size=6),
)
def test_no_shape_of_a_known_type_raises(kind: str, fields: dict[str, Any]) -> None:
    raw = json.dumps({**fields, "type": kind})

    event = decode(raw)

    assert b"\\u0000" not in orjson.dumps(asdict(event))
    assert not isinstance(event, events.Unrecognised)
