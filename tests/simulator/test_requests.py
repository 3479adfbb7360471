"""What the provider answers to each client event, errors included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from calls.simulator import requests
from calls.simulator.call import Call
from calls.simulator.scenarios.behaviours import EVERY
from calls.simulator.script import Agent, Caller, Pause, Scenario
from tests.simulator import sdk
from tests.simulator.stage import Ear, Stage


class Line:
    """One attached call whose script only greets and then waits."""

    def __init__(self, stage: Stage, call: Call, ear: Ear) -> None:
        self.stage, self.call, self.ear = stage, call, ear

    async def refused(self, kind: str, **fields: Any) -> dict[str, Any]:
        await self.ear.say(kind, event_id="mine", **fields)
        error = await self.ear.error("mine")
        self.ear.forget()
        return error

    async def item(self, text: str, role: str = "system", **more: Any) -> None:
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": role, "content": content, **more}
        await self.ear.say("conversation.item.create", item=item)


@pytest_asyncio.fixture
async def line(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    script = Scenario("wait", "", lambda dice, trade="": [Agent("Hello, this is Nora from billing."), Pause(4000)])
    monkeypatch.setattr("calls.simulator.scenarios.BY_NAME", {"wait": script})
    call = stage.place("wait")
    ear = await stage.attend(call)
    await ear.hear("output_audio_buffer.stopped")
    yield Line(stage, call, ear)
    for frame in ear.frames:
        sdk.check(frame)


# -- session


@pytest.mark.asyncio
async def test_an_update_is_answered_with_the_full_session(line: Line) -> None:
    listen = {"transcription": {"model": "whisper-1"}}
    await line.ear.say("session.update", session={"type": "realtime", "audio": {"input": listen}})
    session = (await line.ear.hear("session.updated"))["session"]
    assert session["instructions"] == "You are Nora. Be brief."
    assert session["audio"]["input"]["transcription"]["model"] == "whisper-1"
    assert session["audio"]["output"]["voice"] == "marin"
    assert session["expires_at"] > 0


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"instructions": "x"}, "missing_required_parameter", "session.type"),
        (
            {"type": "realtime", "input_audio_format": "pcm16"},
            "unknown_parameter",
            "session.input_audio_format",
        ),
        (
            {"type": "realtime", "audio": {"input": {"vad": 1}}},
            "unknown_parameter",
            "session.audio.input.vad",
        ),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"type": "realtime", "model": "gpt-realtime-2"}, "invalid_value", "session.model"),
        ({"type": "realtime", "audio": {"output": {"voice": "ash"}}}, "cannot_update_voice", None),
    ],
)
async def test_a_bad_update_is_refused_whole(line: Line, session: Any, code: str, param: str | None) -> None:
    error = await line.refused("session.update", session=session)
    assert error["code"] == code
    assert param in (None, error["param"])
    assert "session.updated" not in line.ear.kinds()


# -- items


@pytest.mark.asyncio
async def test_an_item_keeps_the_id_and_the_place_the_client_chose(line: Line) -> None:
    await line.item("The caller is a VIP.", id="note_1")
    added = await line.ear.hear("conversation.item.added", previous_item_id=line.call.conversation.items[0].id)
    assert added["item"]["id"] == "note_1"
    await line.ear.hear("conversation.item.done")
    first = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Before all."}]}
    await line.ear.say("conversation.item.create", previous_item_id="root", item={**first, "id": "note_0"})
    await line.ear.hear(
        "conversation.item.added",
        previous_item_id=None,
        item={**first, "id": "note_0", "status": "completed"},
    )
    assert [item.id for item in line.call.conversation.items][::2] == ["note_0", "note_1"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "missing_required_parameter"),
        ({"item": {"type": "song"}}, "invalid_value"),
        ({"item": {"type": "message", "role": "system"}}, "missing_required_parameter"),
        ({"item": {"type": "message", "role": "system", "content": [{"type": "text"}]}}, "invalid_value"),
        ({"item": {"type": "function_call_output", "output": "x"}}, "missing_required_parameter"),
        ({"item": {"type": "function_call", "id": "x" * 33}}, "string_above_max_length"),
        ({"item": {"type": "function_call", "name": "f"}, "previous_item_id": "item_none"}, "item_not_found"),
    ],
)
async def test_a_bad_item_is_refused(line: Line, fields: Any, code: str) -> None:
    assert (await line.refused("conversation.item.create", **fields))["code"] == code


@pytest.mark.asyncio
async def test_items_can_be_retrieved_truncated_and_deleted(line: Line) -> None:
    item_id = line.call.conversation.items[0].id
    await line.ear.say("conversation.item.retrieve", item_id=item_id)
    item = (await line.ear.hear("conversation.item.retrieved"))["item"]
    assert item["content"][0]["transcript"] == "Hello, this is Nora from billing."
    assert (await line.refused("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=99999))[
        "param"
    ] == "audio_end_ms"
    await line.ear.say("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=500)
    await line.ear.hear("conversation.item.truncated", audio_end_ms=500)
    await line.ear.say("conversation.item.delete", item_id=item_id)
    await line.ear.hear("conversation.item.deleted", item_id=item_id)
    assert (await line.refused("conversation.item.retrieve", item_id=item_id))["code"] == "item_not_found"


# -- responses


@pytest.mark.asyncio
async def test_the_agent_says_exactly_the_quoted_sentence(line: Line) -> None:
    sentence = 'We call it "Plan B", and it costs 5 €.'
    instructions = f'Say exactly this to the caller, word for word: "{sentence}"'
    line.ear.forget()
    await line.ear.say("response.create", response={"instructions": instructions, "metadata": {"command": "c1"}})
    created = await line.ear.hear("response.created")
    assert created["response"]["metadata"] == {"command": "c1"}
    said = await line.ear.hear("response.output_audio_transcript.done")
    assert said["transcript"] == sentence
    done = await line.ear.hear("response.done")
    assert done["response"]["metadata"] == {"command": "c1"}
    assert done["response"]["conversation_id"] == created["response"]["conversation_id"] is not None
    await line.ear.hear("output_audio_buffer.stopped")


@pytest.mark.asyncio
async def test_what_the_agent_was_told_shows_in_its_next_words(line: Line) -> None:
    line.ear.forget()
    await line.item("The engineer is delayed")
    await line.ear.say("session.update", session={"type": "realtime", "instructions": "Be formal."})
    await line.ear.say("response.create")
    said = (await line.ear.hear("response.output_audio_transcript.done"))["transcript"]
    assert said.startswith("I have just been told: The engineer is delayed.")
    assert "new instructions" in said


@pytest.mark.asyncio
async def test_a_second_response_is_refused_while_one_runs(line: Line) -> None:
    line.ear.forget()
    await line.ear.say("response.create", response={"instructions": 'say "' + "and so on " * 200 + '"'})
    await line.ear.hear("response.created")
    error = await line.refused("response.create")
    assert error["code"] == "conversation_already_has_active_response"


@pytest.mark.asyncio
async def test_a_response_beside_the_conversation_runs_in_parallel(line: Line) -> None:
    line.ear.forget()
    await line.ear.say("response.create", response={"instructions": 'say "' + "and so on " * 200 + '"'})
    main = await line.ear.hear("response.created")
    beside = {"conversation": "none", "output_modalities": ["text"], "metadata": {"purpose": "mood"}}
    await line.ear.say("response.create", response=beside)
    done = await line.ear.hear("response.done")
    assert done["response"]["conversation_id"] is None
    assert done["response"]["id"] != main["response"]["id"]
    assert done["response"]["output"][0]["content"][0]["type"] == "output_text"
    assert done["response"]["output"][0]["id"] not in {item.id for item in line.call.conversation.items}


@pytest.mark.asyncio
async def test_a_cancelled_response_ends_incomplete_and_its_sound_can_be_cleared(line: Line) -> None:
    line.ear.forget()
    await line.ear.say("response.create", response={"instructions": 'say "' + "and so on " * 1000 + '"'})
    await line.ear.hear("output_audio_buffer.started")
    await line.ear.say("response.cancel")
    done = (await line.ear.hear("response.done"))["response"]
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert done["output"][0]["status"] == "incomplete"
    await line.ear.say("output_audio_buffer.clear")
    await line.ear.hear("output_audio_buffer.cleared", response_id=done["id"])
    await line.ear.hear("conversation.item.truncated", item_id=done["output"][0]["id"])


@pytest.mark.asyncio
async def test_a_cancel_with_nothing_running_is_refused(line: Line) -> None:
    assert (await line.refused("response.cancel"))["code"] == "response_cancel_not_active"


@pytest.mark.asyncio
@pytest.mark.parametrize("raw", ["{nonsense", "[1]", '"text"', '{"event_id": "x"}', '{"type": 5}'])
async def test_what_is_no_event_is_an_invalid_event(line: Line, raw: str) -> None:
    line.ear.forget()
    await line.ear.ws.send_str(raw)
    assert (await line.ear.hear("error"))["error"]["code"] == "invalid_event"


ODD: list[Any] = [None, 30, "text", [], {}, [{}], {"a": []}, True]


@pytest.mark.asyncio
async def test_no_odd_value_breaks_the_socket_or_the_frames(line: Line) -> None:
    fields = ("session", "item", "item_id", "response", "response_id", "audio_end_ms", "previous_item_id")
    for kind in requests.HANDLERS:
        for odd in ODD:
            await line.ear.say(kind, event_id=odd, **dict.fromkeys(fields, odd))
    for odd in ODD:
        await line.ear.say("session.update", session={"type": "realtime", "audio": {"input": odd}})
        await line.ear.say("session.update", session={"type": "realtime", "audio": {"output": {"format": odd}}})
        message = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": odd}]}
        await line.ear.say("conversation.item.create", item=message)
        await line.ear.say("conversation.item.create", item={"type": odd, "role": odd, "content": odd})
        await line.ear.say("response.create", response={"instructions": odd, "metadata": odd})
    await line.ear.say("response.cancel", response_id="resp_none", event_id="last")
    await line.ear.error("last")


@pytest.mark.asyncio
async def test_the_input_buffer_is_minimal(line: Line) -> None:
    await line.ear.say("input_audio_buffer.append", audio="AAAA")
    assert (await line.refused("input_audio_buffer.commit"))["code"] == "input_audio_buffer_commit_empty"
    await line.ear.say("input_audio_buffer.clear")
    await line.ear.hear("input_audio_buffer.cleared")
    assert (await line.refused("transcription_session.update"))["param"] == "type"


@pytest.mark.asyncio
async def test_a_tool_answered_by_a_client_goes_on_when_the_client_says_so(stage: Stage) -> None:
    call = stage.place("tool_timeout", speed=100.0)
    ear = await stage.attend(call)
    asked = await ear.hear("response.function_call_arguments.done")
    output = {"type": "function_call_output", "call_id": asked["call_id"], "output": '{"ok": true}'}
    await ear.say("conversation.item.create", item=output)
    await ear.say("response.create")
    truth = await stage.truth(call)
    outputs = [turn for turn in truth["turns"] if turn["kind"] == "tool_output"]
    assert [turn["output"] for turn in outputs] == ['{"ok": true}']
    spoken = [turn["text"] for turn in truth["turns"] if turn["speaker"] == "agent" and turn["kind"] == "message"]
    assert len(spoken) == len(set(spoken)), "the agent said the same twice"


@pytest.mark.asyncio
async def test_every_socket_of_a_call_hears_everything(line: Line) -> None:
    second = await line.stage.dial(line.call.id)
    line.ear.forget()
    await line.item("Both hear this.", id="both")
    one, other = await line.ear.hear("conversation.item.done"), await second.hear("conversation.item.done")
    assert one == other


@pytest.mark.asyncio
async def test_the_official_client_can_follow_and_steer(line: Line) -> None:
    from openai import AsyncOpenAI

    client = AsyncOpenAI(api_key="sk-acme", base_url=f"{line.stage.base}/v1")
    async with client, asyncio.timeout(30), client.realtime.connect(call_id=line.call.id) as connection:
        await connection.session.update(session={"type": "realtime", "instructions": "Be kind."})
        event = await connection.recv()
        assert event.type == "session.updated"


def test_every_scenario_speaks_and_listens() -> None:
    from random import Random

    for scenario in EVERY:
        steps = scenario.write(Random(1))
        assert any(isinstance(step, Caller) for step in steps) or scenario.name == "silence_timeout"
