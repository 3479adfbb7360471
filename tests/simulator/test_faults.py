"""Each named fault does what its name says, and stops."""

from __future__ import annotations

import asyncio

import aiohttp
import orjson
import pytest

from calls.simulator.faults import EVERY_FAULT, STRIKES, Faults, NoSuchFault, parsed
from tests.simulator.stage import SESSION, Stage

ANSWERS_AFTER_S = 2.0
"""What is done at once is done before that, on a busy machine too"""


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(NoSuchFault):
        parsed("webhook_eaten")


def test_a_fault_with_times_wears_off() -> None:
    faults = Faults(["dial_404", {"name": "accept_500", "times": 1}])
    assert [faults.take("dial_404") is not None for _ in range(4)] == [True, True, True, False]
    assert [faults.take("accept_500") is not None for _ in range(2)] == [True, False]
    assert faults.listed() == []


@pytest.mark.asyncio
@pytest.mark.parametrize(("fault", "status"), [("accept_404", 404), ("accept_429", 429), ("accept_500", 500)])
async def test_accept_fails(stage: Stage, fault: str, status: int) -> None:
    call = stage.place(faults=[fault], speed=20.0)
    assert (await stage.verb(call.id, "accept", SESSION))[0] == status
    assert call.leg == "ringing"


@pytest.mark.asyncio
async def test_accept_is_slow(stage: Stage) -> None:
    call = stage.place(faults=["accept_slow"], speed=50.0)
    began = call.clock.elapsed()
    assert (await stage.verb(call.id, "accept", SESSION))[0] == 200
    assert call.clock.elapsed() - began > 5.3


@pytest.mark.asyncio
async def test_a_mute_accept_takes_the_call_long_before_it_says_so(stage: Stage) -> None:
    call = stage.place(faults=[{"name": "accept_mute", "delay_s": ANSWERS_AFTER_S}], speed=20.0)
    asked = asyncio.create_task(stage.verb(call.id, "accept", SESSION))
    await asyncio.wait_for(call.live.wait(), ANSWERS_AFTER_S)
    assert not asked.done()
    assert (await asked)[0] == 200
    assert call.accepts == 1


@pytest.mark.asyncio
async def test_a_mute_hang_up_ends_the_call_long_before_it_says_so(stage: Stage) -> None:
    call = stage.place("long_chat", faults=[{"name": "hangup_mute", "delay_s": ANSWERS_AFTER_S}], speed=20.0)
    await stage.verb(call.id, "accept", SESSION)
    await call.live.wait()
    asked = asyncio.create_task(stage.verb(call.id, "hangup"))
    await asyncio.wait_for(call.ended.wait(), ANSWERS_AFTER_S)
    assert not asked.done()
    assert (await asked)[0] == 200


@pytest.mark.asyncio
async def test_a_dead_accept_never_gets_a_socket(stage: Stage) -> None:
    call = stage.place(faults=["accept_dead"])
    assert (await stage.verb(call.id, "accept", SESSION))[0] == 200
    assert (await stage.truth(call))["outcome"] == "dead_leg"


@pytest.mark.asyncio
@pytest.mark.parametrize(("fault", "status"), [("dial_404", 404), ("dial_429", 429), ("dial_500", 500)])
async def test_dials_fail_three_times(stage: Stage, fault: str, status: int) -> None:
    call = stage.place("long_chat", faults=[fault])
    await stage.verb(call.id, "accept", SESSION)
    await call.live.wait()
    for _ in range(3):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await stage.dial(call.id)
        assert refusal.value.status == status
    await stage.dial(call.id)


@pytest.mark.asyncio
async def test_a_refer_can_fail_or_do_nothing(stage: Stage) -> None:
    call = stage.place("transfer", faults=[{"name": "refer_500", "times": 1}, "refer_silent", "hangup_500"])
    await stage.attend(call)
    target = {"target_uri": "tel:+442079460000"}
    assert (await stage.verb(call.id, "refer", target))[0] == 500
    assert (await stage.verb(call.id, "refer", target))[0] == 200
    assert (await stage.verb(call.id, "hangup"))[0] == 500
    assert (await stage.truth(call))["outcome"] == "caller_hang_up"


@pytest.mark.asyncio
async def test_an_item_is_swallowed(stage: Stage) -> None:
    call = stage.place("long_chat", faults=["item_never_added"])
    ear = await stage.attend(call)
    item = {
        "id": "lost",
        "type": "message",
        "role": "system",
        "content": [{"type": "input_text", "text": "x"}],
    }
    await ear.say("conversation.item.create", item=item)
    await ear.say("session.update", session={"type": "realtime"})
    await ear.hear("session.updated")
    assert call.conversation.find("lost") is None
    assert not any(frame.get("item", {}).get("id") == "lost" for frame in ear.frames)


@pytest.mark.asyncio
async def test_a_stalled_socket_hears_nothing_and_a_new_one_does(stage: Stage) -> None:
    call = stage.place("long_chat", speed=50.0)
    ear = await stage.attend(call)
    await ear.hear("response.output_audio_transcript.delta")
    assert (await stage.control("POST", "faults", {"name": "stall", "call_id": call.id}))[0] == 201
    await ear.ws.ping()
    again = await stage.dial(call.id)
    heard = len(ear.frames)
    await again.hear("response.done")
    await again.hear("output_audio_buffer.stopped")
    assert len(ear.frames) <= heard + 2  # what was on the way
    assert not ear.closed.is_set()


@pytest.mark.asyncio
@pytest.mark.parametrize("fault", [name for name in STRIKES if name.startswith("close_")])
async def test_sockets_close_with_the_code(stage: Stage, fault: str) -> None:
    call = stage.place("long_chat", speed=20.0)
    ear = await stage.attend(call)
    await stage.control("POST", "faults", {"name": fault})
    async with asyncio.timeout(30):
        await ear.closed.wait()
    code = int(fault.removeprefix("close_"))
    assert ear.ws.close_code in ((1006, None) if code == 1006 else (code,))
    assert call.leg == "live"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "fault", ["malformed", "oversized", "unknown", "missing_fields", "nul_and_surrogates", "flood"]
)
async def test_a_strike_sends_what_no_client_should_see(stage: Stage, fault: str) -> None:
    call = stage.place("long_chat", speed=100.0)
    ear = await stage.attend(call)
    await ear.hear("response.done")
    await stage.control("POST", "faults", {"name": fault})
    ear.forget()
    await ear.hear("response.done")
    raw = ear.raw
    checks = {
        "malformed": lambda: any(_unreadable(text) for text in raw),
        "oversized": lambda: max(len(text) for text in raw) > 5 * 1024 * 1024,
        "unknown": lambda: any("session.weather.changed" in text for text in raw),
        "missing_fields": lambda: '{"type":"response.done"}' in raw,
        "nul_and_surrogates": lambda: any("\\u0000" in text and "\\ud800" in text for text in raw),
        "flood": lambda: sum("resp_struck" in text for text in raw) == 1000,
    }
    assert checks[fault]()


@pytest.mark.asyncio
async def test_a_spoken_flood_is_the_truth(stage: Stage) -> None:
    call = stage.place("long_chat", speed=1.0)
    ear = await stage.attend(call)
    await ear.hear("response.done")
    await stage.control("POST", "faults", {"name": "flood", "spoken": True, "per_s": 5000, "lasts_s": 0.2})

    def long_ones() -> list[dict]:
        kind = "response.output_audio_transcript.done"
        return [frame for frame in ear.frames if frame["type"] == kind and len(frame["transcript"]) > 1000]

    async with asyncio.timeout(30):
        while not long_ones():  # noqa: ASYNC110  frames are what is waited for
            await asyncio.sleep(0.02)
    said = long_ones()[0]
    deltas = [frame["delta"] for frame in ear.frames if frame["type"] == "response.output_audio_transcript.delta" and frame["item_id"] == said["item_id"]]  # fmt: skip
    assert len(deltas) > 100
    assert "".join(deltas) == said["transcript"]
    assert said["transcript"] in {item.text for item in call.conversation.items}


def _unreadable(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return True
    return False


NAMES = """
webhook_late webhook_doubled webhook_shuffled webhook_old
accept_dead accept_404 accept_429 accept_500 accept_slow accept_mute dial_404 dial_429 dial_500
close_1000 close_1001 close_1006 close_1008 close_1011 close_1012 close_1013 close_4000
stall malformed nested oversized unknown missing_fields nul_and_surrogates flood
refer_500 refer_silent hangup_500 hangup_mute item_never_added
"""


def test_the_names_that_tests_elsewhere_rely_on_exist() -> None:
    assert set(EVERY_FAULT) == set(NAMES.split())
