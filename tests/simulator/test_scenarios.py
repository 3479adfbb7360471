"""Every scenario over a real socket: valid frames in the recorded order that add up to the truth."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from typing import Any

import aiohttp
import pytest

from calls.simulator import scenarios, voice
from calls.simulator.compare import compare
from tests.simulator import monitor, sdk
from tests.simulator.stage import Stage

INSIDE_A_MESSAGE = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]


async def follow(stage: Stage, scenario: str, **order: Any) -> tuple[dict[str, Any], list[dict[str, Any]], list[Any]]:
    """The truth of one call, all that a monitor heard of it, and the monitor's gaps."""
    call = stage.place(scenario, **order)
    ear = await stage.attend(call)
    frames, gaps = [], []
    while True:
        await ear.closed.wait()
        frames += ear.frames
        try:
            ear = await stage.dialled(call.id)
        except aiohttp.WSServerHandshakeError:
            return await stage.truth(call), frames, gaps
        # To the instant, as no monitor could know it: then nothing else is excused.
        drops = [mark["at"] for mark in stage.ledger.tail if mark.get("state") == "dropped"]
        gaps.append({"call_id": call.id, "started_at": drops[-1], "ended_at": time.time()})


def exported(truth: dict[str, Any], state: str = "ended") -> dict[str, Any]:
    return {"call_id": truth["call_id"], "state": state, "from": truth["from"], "to": truth["to"]}


@pytest.mark.asyncio
@pytest.mark.parametrize("scenario", scenarios.BY_NAME)
async def test_a_scenario_is_valid_in_order_and_adds_up(stage: Stage, scenario: str) -> None:
    async with asyncio.timeout(20):
        truth, frames, gaps = await follow(stage, scenario)
    for frame in frames:
        sdk.check(frame)
    check_order(frames)
    check_places(frames)
    assert truth["turns"]
    report = compare(
        [truth],
        [exported(truth)],
        monitor.turns(truth["call_id"], frames),
        monitor.usage(truth["call_id"], frames),
        gaps,
        slack=0,
    )
    assert report.ok, report.differences
    assert report.compared["turns"] >= 2
    assert len(gaps) == (2 if scenario == "drop_and_resume" else 0)


def check_order(frames: list[dict[str, Any]]) -> None:
    """The rules of a response, of sound, and of the caller's turns."""
    stories: defaultdict[str, list[str]] = defaultdict(list)
    sounds: defaultdict[str, list[str]] = defaultdict(list)
    owner: dict[str, str] = {}
    active = None
    for frame in frames:
        kind = frame["type"]
        response = frame.get("response") or {}
        response_id = frame.get("response_id") or response.get("id")
        if kind == "response.output_item.added":
            owner[frame["item"]["id"]] = response_id
        if kind in ("conversation.item.added", "conversation.item.done"):
            response_id = owner.get(frame["item"]["id"])
        if kind.startswith("output_audio_buffer."):
            sounds[response_id].append(kind.rpartition(".")[2])
            continue
        if response_id is None:
            continue
        if kind == "response.created" and response["conversation_id"] is not None:
            assert active is None, "two responses at once in the conversation"
            active = response_id
        if kind == "response.done" and response_id == active:
            active = None
        story = stories[response_id]
        if not story or story[-1] != kind:
            story.append(kind)
    for response_id, story in stories.items():
        spoken = [kind for kind in story if kind in INSIDE_A_MESSAGE]
        if "response.output_audio_transcript.done" in story and "response.function_call_arguments.done" not in story:
            assert "response.created" not in story or spoken == INSIDE_A_MESSAGE, (response_id, story)
        if story[0] == "response.created" and "response.done" in story:
            assert story[-1] == "response.done"
    for order in sounds.values():
        assert order in (
            ["started", "stopped"],
            ["started", "cleared"],
            ["started"],
            ["stopped"],
            ["cleared"],
        ), order


def check_places(frames: list[dict[str, Any]]) -> None:
    """A caller's turn names the same predecessor when it is committed, added and done."""
    places: defaultdict[str, set[str | None]] = defaultdict(set)
    for frame in frames:
        user = (frame.get("item") or {}).get("role") == "user"
        if frame["type"] == "input_audio_buffer.committed" or (user and "previous_item_id" in frame):
            places[frame.get("item_id") or frame["item"]["id"]].add(frame["previous_item_id"])
    assert all(len(named) == 1 for named in places.values()), places


@pytest.mark.asyncio
async def test_the_words_run_ahead_of_the_sound_which_ends_after_the_response(stage: Stage) -> None:
    _, frames, _ = await follow(stage, "two_turn")
    kinds = [frame["type"] for frame in frames]
    sound = kinds.index("output_audio_buffer.started")
    assert "response.output_audio_transcript.delta" in kinds[:sound]
    assert kinds.index("response.done") < kinds.index("output_audio_buffer.stopped")


@pytest.mark.asyncio
async def test_a_barge_in_cuts_the_sound_and_tells_how_much_was_heard(stage: Stage) -> None:
    truth, frames, _ = await follow(stage, "barge_in_playing")
    cut = next(turn for turn in truth["turns"] if turn["cut_off"])
    assert 0 <= cut["heard_ms"] < voice.milliseconds(cut["text"])
    kinds = [frame["type"] for frame in frames]
    cleared = kinds.index("output_audio_buffer.cleared")
    assert kinds[cleared - 1] == "input_audio_buffer.speech_started"
    truncated = next(frame for frame in frames if frame["type"] == "conversation.item.truncated")
    assert (truncated["item_id"], truncated["audio_end_ms"]) == (cut["item_id"], cut["heard_ms"])


@pytest.mark.asyncio
async def test_a_barge_in_while_generating_cancels_the_response(stage: Stage) -> None:
    truth, frames, _ = await follow(stage, "barge_in_generating")
    done = [frame["response"] for frame in frames if frame["type"] == "response.done"]
    cancelled = next(response for response in done if response["status"] == "cancelled")
    assert cancelled["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    cut = next(turn for turn in truth["turns"] if turn["cut_off"])
    assert cut["status"] == "incomplete"
    assert cancelled["output"][0]["content"][0]["transcript"] == cut["text"]


@pytest.mark.asyncio
async def test_later_responses_are_billed_for_the_whole_talk_partly_from_the_cache(stage: Stage) -> None:
    truth, _, _ = await follow(stage, "long_chat")
    first, *_, last = truth["responses"]
    assert first["cached_text"] == 0
    assert last["input_text"] > first["input_text"]
    assert 0 < last["cached_text"] <= last["input_text"]
    assert 0 < last["cached_audio"] <= last["input_audio"]
    assert truth["tokens"] == truth["tokens_seen"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("scenario", "outcome"),
    [
        ("two_turn", "caller_hang_up"),
        ("caller_hang_up_mid_reply", "caller_hang_up"),
        ("session_cap", "session_cap"),
    ],
)
async def test_each_end_has_its_outcome(stage: Stage, scenario: str, outcome: str) -> None:
    truth, frames, _ = await follow(stage, scenario)
    assert truth["outcome"] == outcome
    if outcome == "session_cap":
        assert frames[-1]["error"]["code"] == "session_expired"


@pytest.mark.asyncio
async def test_what_is_said_while_nobody_listens_is_marked_unseen(stage: Stage) -> None:
    stage.provider.greeting_waits = 1.0
    call = stage.place("drop_and_resume")
    status, _ = await stage.verb(call.id, "accept", {"type": "realtime"})
    assert status == 200
    truth = await stage.truth(call)
    assert truth["turns"]
    assert not any(turn["final_seen"] for turn in truth["turns"])
    assert sum(truth["tokens_seen"].values()) == 0 < truth["tokens"]["output_audio"]


def test_the_mix_draws_every_kind_and_mostly_ordinary_talks() -> None:
    dice = random.Random(5)
    drawn = [scenarios.chosen("mix", dice) for _ in range(3000)]
    names = [scenario.name for scenario in drawn if scenario]
    assert set(names) == set(scenarios.BY_NAME)
    assert 0.4 < names.count("long_chat") / len(names) < 0.6


@pytest.mark.parametrize("scenario", scenarios.BY_NAME.values(), ids=lambda one: one.name)
def test_no_script_leaves_a_blank_unfilled(scenario: Any) -> None:
    for seed in range(40):
        for step in scenario.write(random.Random(seed)):
            words = getattr(step, "text", "") + getattr(step, "then", "") + getattr(step, "filler", "")
            assert not set("{}[]|") & set(words) or getattr(step, "metadata", None), words
