"""Verbs and dials: who may do what when, and how a call ends."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.simulator import sdk
from tests.simulator.stage import SESSION, Ear, Stage


async def refused_dial(stage: Stage, call_id: str, headers: dict[str, str] | None = None) -> int:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await stage.dial(call_id, headers)
    return refusal.value.status


async def abnormal(ear: Ear) -> bool:
    await ear.closed.wait()
    return ear.ws.close_code in (1006, None)


@pytest.mark.asyncio
async def test_keys_and_calls_are_checked(stage: Stage) -> None:
    call = stage.place()
    for verb in ("accept", "reject", "refer", "hangup"):
        assert (await stage.verb(call.id, verb, SESSION, key="sk-wrong"))[0] == 401
        status, body = await stage.verb("rtc_nobody", verb, SESSION)
        assert (status, body["error"]["code"]) == (404, "call_id_not_found")
        # Another tenant's key: the call does not exist for it.
        assert (await stage.verb(call.id, verb, SESSION, key="sk-globex"))[0] == 404
    assert await refused_dial(stage, call.id, {"Authorization": "Bearer sk-wrong"}) == 401
    assert await refused_dial(stage, call.id) == 404
    assert await refused_dial(stage, "rtc_nobody") == 404


@pytest.mark.asyncio
async def test_the_beta_header_finds_no_call(stage: Stage) -> None:
    call = stage.place("long_chat")
    await stage.attend(call)
    assert await refused_dial(stage, call.id, {**stage.bearer, "OpenAI-Beta": "realtime=v1"}) == 404


@pytest.mark.asyncio
async def test_a_call_is_accepted_once(stage: Stage) -> None:
    call = stage.place("long_chat", speed=20.0)
    answers = await asyncio.gather(*(stage.verb(call.id, "accept", SESSION) for _ in range(3)))
    assert sorted(status for status, _ in answers) == [200, 404, 404]
    assert call.accepts == 1


@pytest.mark.asyncio
async def test_the_leg_takes_a_moment_to_set_up(stage: Stage) -> None:
    call = stage.place("long_chat", speed=2.0)
    assert (await stage.verb(call.id, "accept", SESSION))[0] == 200
    assert call.leg == "setting_up"
    assert await refused_dial(stage, call.id) == 404
    await call.live.wait()
    await stage.dial(call.id)


@pytest.mark.asyncio
async def test_a_bad_session_is_accepted_and_the_leg_is_dead(stage: Stage) -> None:
    call = stage.place(speed=100.0)
    assert (await stage.verb(call.id, "accept", {"instructions": "no type"}))[0] == 400
    assert (await stage.verb(call.id, "accept", {"type": "realtime", "temperature": 0.8}))[0] == 200
    assert await refused_dial(stage, call.id) == 404
    assert (await stage.truth(call))["outcome"] == "dead_leg"


@pytest.mark.asyncio
async def test_a_rejected_call_is_over(stage: Stage) -> None:
    call = stage.place()
    assert (await stage.verb(call.id, "reject", {"status_code": 486}))[0] == 200
    assert (await stage.truth(call))["outcome"] == "rejected"
    assert (await stage.verb(call.id, "accept", SESSION))[0] == 404


@pytest.mark.asyncio
async def test_a_call_nobody_takes_is_given_up(stage: Stage) -> None:
    stage.provider.patience = 30.0
    truth = await stage.truth(stage.place())
    assert (truth["outcome"], truth["accepts"], truth["answered_at"]) == ("never_accepted", 0, None)


@pytest.mark.asyncio
async def test_a_hang_up_drops_the_sockets_without_a_close_frame(stage: Stage) -> None:
    call = stage.place("long_chat")
    ear = await stage.attend(call)
    assert await stage.verb(call.id, "hangup") == (200, None)
    assert (await stage.verb(call.id, "hangup"))[0] == 404
    assert await abnormal(ear)
    assert (await stage.truth(call))["outcome"] == "hung_up_by_server"
    assert await refused_dial(stage, call.id) == 404


@pytest.mark.asyncio
async def test_a_transfer_ends_the_leg_a_moment_later(stage: Stage) -> None:
    call = stage.place("transfer", speed=100.0)
    assert (await stage.verb(call.id, "refer", {"target_uri": "tel:+442079460000"}))[0] == 404
    ear = await stage.attend(call)
    assert (await stage.verb(call.id, "refer", {}))[0] == 400
    assert (await stage.verb(call.id, "refer", {"target_uri": "tel:+442079460000"}))[0] == 200
    assert await abnormal(ear)
    assert (await stage.truth(call))["outcome"] == "transferred"


@pytest.mark.asyncio
@pytest.mark.parametrize("announced", [True, False])
async def test_a_socket_is_greeted_with_the_session_or_not(stage: Stage, announced: bool) -> None:
    call = stage.place("two_turn", session_created=announced)
    ear = await stage.attend(call)
    await stage.truth(call)
    await ear.closed.wait()
    assert ("session.created" in ear.kinds()) is announced
    for frame in ear.frames:
        sdk.check(frame)


@pytest.mark.asyncio
async def test_sound_is_sent_only_when_asked_for(stage: Stage) -> None:
    call = stage.place("two_turn", audio_deltas=True)
    ear = await stage.attend(call)
    sdk.check(await ear.hear("response.output_audio.delta"))


@pytest.mark.asyncio
@pytest.mark.parametrize("code", [1000, 1001, 1006, 1011, 1012, 4000])
async def test_sockets_can_be_closed_while_the_call_lives(stage: Stage, code: int) -> None:
    call = stage.place("long_chat", speed=20.0)
    ear = await stage.attend(call)
    assert (await stage.control("POST", f"calls/{call.id}/drop", {"code": code}))[0] == 200
    await ear.closed.wait()
    assert ear.ws.close_code == code or await abnormal(ear)
    again = await stage.dial(call.id)
    await again.hear("response.output_audio_transcript.delta")
