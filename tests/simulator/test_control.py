"""The control port, the ledger's file, and the crowd."""

from __future__ import annotations

import asyncio

import pytest

from calls.simulator import scenarios
from calls.simulator.callers import Callers, Crowd
from calls.simulator.provider import Order
from tests.simulator.stage import SESSION, Stage


@pytest.mark.asyncio
async def test_a_call_is_placed_watched_and_hung_up(stage: Stage) -> None:
    order = {
        "scenario": "long_chat",
        "from": "+447700900001",
        "to": "+442079460001",
        "account": 0,
        "call_id": "rtc_x",
    }
    status, placed = await stage.control("POST", "calls", {**order, "speed": 10, "faults": ["dial_404"], "seed": 3})
    assert (status, placed["call_id"]) == (201, "rtc_x")
    _, shown = await stage.control("GET", "calls/rtc_x")
    assert (shown["state"], shown["from"], shown["scenario"]) == ("ringing", "+447700900001", "long_chat")
    _, every = await stage.control("GET", "calls")
    assert [call["call_id"] for call in every["calls"]] == ["rtc_x"]
    _, over = await stage.control("POST", "calls/rtc_x/hang_up")
    assert (over["state"], over["outcome"]) == ("ended", "caller_hang_up")
    _, shown = await stage.control("GET", "calls/rtc_x")
    assert shown["outcome"] == "caller_hang_up"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "order", [{"scenario": "opera"}, {"account": 9}, {"faults": ["earthquake"]}, {"colour": "red"}]
)
async def test_a_bad_order_is_refused(stage: Stage, order: dict[str, object]) -> None:
    status, answer = await stage.control("POST", "calls", order)
    assert status == 400
    assert answer["error"]


@pytest.mark.asyncio
async def test_the_port_tells_of_itself(stage: Stage) -> None:
    assert (await stage.control("GET", "healthz"))[1]["ok"]
    _, names = await stage.control("GET", "scenarios")
    assert {"two_turn", "session_cap"} < {one["name"] for one in names}
    assert (await stage.control("GET", "calls/rtc_none"))[0] == 404
    assert (await stage.control("POST", "faults", {"name": "earthquake"}))[0] == 400


@pytest.mark.asyncio
async def test_a_fault_for_everybody_is_switched_on_and_off(stage: Stage) -> None:
    _, on = await stage.control("POST", "faults", {"name": "accept_500", "for_s": 60})
    assert on["active"][0]["name"] == "accept_500"
    call = stage.place(speed=20.0)
    assert (await stage.verb(call.id, "accept", SESSION))[0] == 500
    await stage.control("DELETE", "faults", {"name": "accept_500"})
    assert (await stage.verb(call.id, "accept", SESSION))[0] == 200


@pytest.mark.asyncio
async def test_the_ledger_tells_the_whole_story(stage: Stage) -> None:
    call = stage.place("tool_call")
    ear = await stage.attend(call)
    await ear.say("session.update", session={"type": "realtime"})
    await ear.closed.wait()
    await stage.truth(call)
    lines = await stage.book()
    assert {line["kind"] for line in lines} == {"webhook", "http", "frame", "client_frame", "mark", "truth"}
    sent = [line["event"] for line in lines if line["kind"] == "frame" and line["sockets"]]
    assert sent == ear.frames
    verbs = [(line["verb"], line["status"]) for line in lines if line["kind"] == "http"]
    assert verbs[0] == ("accept", 200)
    assert verbs[-1] == ("dial", 101)
    assert all(isinstance(line["at"], float) for line in lines)
    _, answer = await stage.control("GET", f"ledger?kind=truth&call_id={call.id}")
    assert answer["lines"][0]["call_id"] == call.id
    assert answer["counts"]["frame"] == sum(line["kind"] == "frame" for line in lines)


@pytest.mark.asyncio
async def test_the_ledger_can_keep_types_only(stage: Stage) -> None:
    stage.ledger.detail = "types"
    call = stage.place("two_turn")
    ear = await stage.attend(call)
    await ear.closed.wait()
    frames = [line["event"] for line in await stage.book() if line["kind"] == "frame"]
    assert not any("item" in frame or "delta" in frame for frame in frames)
    assert any(frame["type"] == "response.done" and frame["id"].startswith("resp_") for frame in frames)


@pytest.mark.asyncio
async def test_a_crowd_keeps_so_many_calls_alive(stage: Stage) -> None:
    stage.provider.patience, stage.provider.greeting_waits = 400.0, 1.0
    crowd = Crowd(calls=3, loop=True, order=Order(scenario="two_turn"), seed=1)
    stage.provider.keep(Callers(stage.provider, crowd).run())
    taken: set[str] = set()
    async with asyncio.timeout(30):
        while len(taken) < 6:
            for delivery in list(stage.deliveries):
                if delivery.call_id not in taken:
                    taken.add(delivery.call_id)
                    account = stage.provider.calls[delivery.call_id].birth.account
                    key = stage.provider.accounts[account].api_key
                    await stage.verb(delivery.call_id, "accept", SESSION, key=key)
            assert len(stage.provider.calls) <= 3
            await asyncio.sleep(0.002)
    await stage.control("POST", "stop_new_calls")
    async with asyncio.timeout(30):
        for call in list(stage.provider.calls.values()):
            await call.ended.wait()


@pytest.mark.asyncio
async def test_some_telephones_always_have_a_trouble(stage: Stage) -> None:
    stage.provider.patience = 1.0
    crowd = Crowd(calls=3, loop=True, order=Order(scenario="two_turn"), seed=1, troubled=2, spread=0.0)
    stage.provider.keep(Callers(stage.provider, crowd).run())
    async with asyncio.timeout(30):
        while len(stage.ledger.truths) < 12:  # noqa: ASYNC110  nothing announces them
            await asyncio.sleep(0.002)
    await stage.control("POST", "stop_new_calls")
    troubled = [truth for truth in stage.ledger.truths if truth["scenario"] in scenarios.TROUBLES]
    assert {truth["scenario"] for truth in troubled} == set(scenarios.TROUBLES)
    assert {truth["account"] for truth in troubled} == {0}


@pytest.mark.asyncio
async def test_calls_arrive_at_random_without_a_loop(stage: Stage) -> None:
    stage.provider.patience = 30.0
    crowd = Crowd(calls=4, loop=False, order=Order(scenario="two_turn"), arrivals_per_second=1.0, seed=1)
    async with asyncio.timeout(30):
        await Callers(stage.provider, crowd).run()
    assert len(stage.ledger.truths) == 4
