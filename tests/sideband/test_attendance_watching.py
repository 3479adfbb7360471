"""A call that is watched: frames, drops and redials, and what a new owner does."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from calls.domain.changes import GapRecorded, TurnChanged
from calls.sideband import backoff, connection
from calls.sideband.attendance import RINGING_OWNERS
from calls.sideband.doors import DIALS, REDIALS, Doors
from tests.sideband.attending import running
from tests.sideband.desk import until
from tests.sideband.provider import CUT, FLAP

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("short_pauses")]


async def test_frames_become_turns(provided, attend):
    scene = attend()
    await provided.dialled()
    item = {"id": "item_1", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello."}]}
    await provided.say("conversation.item.done", item={**item, "status": "completed"}, previous_item_id=None)
    await until(lambda: scene.shell.of(TurnChanged))
    assert scene.shell.of(TurnChanged)[-1].turn.text == "Hello."
    assert scene.shell.heard_at


async def test_garbage_is_counted_and_the_call_goes_on(provided, attend):
    scene = attend()
    await provided.dialled()
    for frame in ("{", "[]", '{"type":1}', "\x00", '{"type":"from.the.future"}'):
        await provided.socket.send_str(frame)
    await provided.socket.send_bytes(b"\xff\xfe")
    await until(lambda: scene.runner.session.oddities.total() == 6)
    assert scene.shell.states[-1] == "active"


@pytest.mark.parametrize("how", ["drop", "close"])
async def test_a_drop_is_dialled_again_and_leaves_a_gap(provided, attend, how):
    scene = attend()
    await provided.dialled()
    await (provided.drop() if how == "drop" else provided.socket.close(code=1000))
    await provided.dialled(2)
    await until(lambda: scene.shell.of(GapRecorded))
    [gap] = scene.shell.of(GapRecorded)
    assert gap.cause == "socket_closed"
    assert timedelta() <= gap.ended_at - gap.started_at < timedelta(seconds=3)
    assert scene.shell.attachments == ["attaching", "attached", "reattaching", "attached"]
    assert scene.shell.states == ["accepted", "active"]


@pytest.mark.parametrize("status", [404, 410])
async def test_gone_after_it_was_attached_is_the_end(provided, attend, status):
    provided.will("dial", 200, status)
    scene = attend()
    await provided.dialled()
    await provided.socket.close(code=1000)
    assert await scene.over() == ("ended", "remote_hang_up")
    assert scene.shell.of(GapRecorded) == []
    assert scene.shell.attachments[-1] == "closed"


async def test_a_busy_provider_is_dialled_until_it_is_well(provided, attend):
    provided.will("dial", 200, 500, (429, {"Retry-After": "0"}), 503, 200)
    scene = attend()
    await provided.dialled()
    await provided.drop()
    await provided.dialled(2)
    await until(lambda: scene.shell.attachments[-1] == "attached")
    assert provided.count("dial") == 5


async def test_a_provider_that_stays_away_is_given_up(provided, attend):
    provided.will("dial", 200, 500)
    scene = attend()
    await provided.dialled()
    await provided.drop()
    assert await scene.over() == ("lost", "provider_unreachable")


async def test_a_provider_that_is_not_reached_any_more_is_left_to_a_peer(provided, attend):
    provided.will("dial", 200, CUT)
    scene = attend()
    await provided.dialled()
    await provided.drop()
    await asyncio.wait_for(scene.work, 30)
    assert scene.shell.states == ["accepted", "active"], "the call is not over"
    assert scene.attendance.cut_off


async def test_a_call_does_not_wait_before_the_door_longer_than_it_may_dial(provided, attend, monkeypatch):
    """Hundreds dial in vain beside it, each for as long as a dial may take."""
    monkeypatch.setattr(connection, "OPEN_LIMIT_S", 1.0)
    scene = attend()
    await provided.dialled()
    doors = Doors.here()
    async with AsyncExitStack() as stack:
        for _ in range(REDIALS):
            await stack.enter_async_context(doors.passed(uuid4(), again=True))
        await provided.drop()
        await asyncio.wait_for(scene.work, 30)
    assert scene.attendance.cut_off
    assert provided.count("dial") == 1
    assert doors.waiting == 0


async def test_a_call_that_rings_at_a_worker_that_is_cut_off_is_left_to_a_peer_at_once(provided, attend):
    provided.will("accept", CUT)
    provided.will("dial", CUT)
    scene = attend()
    await asyncio.wait_for(scene.work, 30)
    assert (scene.attendance.cut_off, scene.shell.states) == (True, [])
    assert provided.count("accept") <= 2, "not asked again and again"


async def test_a_call_that_rings_does_not_wait_before_the_door_longer_than_a_dial_takes(provided, attend, monkeypatch):
    monkeypatch.setattr(connection, "OPEN_LIMIT_S", 0.2)
    provided.will("accept", CUT)
    async with AsyncExitStack() as stack:
        for number in range(DIALS):
            await stack.enter_async_context(Doors.here().passed(UUID(int=number), again=False))
        scene = attend()
        await asyncio.wait_for(scene.work, 30)
    assert (scene.attendance.cut_off, provided.count("dial")) == (True, 0)


async def test_so_many_owners_leave_a_ringing_call_to_a_peer_and_the_next_asks_until_it_is_answered(provided, attend):
    provided.will("accept", CUT)
    provided.will("dial", CUT)
    scene = attend(first_owner=False, epoch=RINGING_OWNERS)
    await asyncio.wait_for(scene.work, 30)
    assert scene.attendance.cut_off
    provided.will("accept", CUT, CUT, 200)
    provided.will("dial", CUT, CUT, 200)
    scene = attend(first_owner=False, epoch=RINGING_OWNERS + 1)
    await provided.dialled()
    await until(lambda: scene.shell.attachments[-1:] == ["attached"])
    assert not scene.attendance.cut_off


async def test_a_second_owner_that_does_not_reach_the_provider_either_gives_up(provided, attend):
    provided.will("dial", CUT)
    scene = attend(first_owner=False, **running())
    assert await scene.over() == ("lost", "provider_unreachable")
    assert not scene.attendance.cut_off


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_was_taken_back_is_not_tried_again(provided, attend, status):
    provided.will("dial", 200, status)
    scene = attend()
    await provided.dialled()
    await provided.drop()
    assert await scene.over() == ("lost", "provider_unreachable")
    assert provided.count("dial") == 2


async def test_a_socket_that_opens_and_closes_for_ever_is_given_up(provided, attend):
    provided.will("dial", FLAP)
    scene = attend()
    assert await scene.over() == ("lost", "provider_unreachable")
    assert provided.count("dial") > 5


async def test_dials_before_the_leg_is_up_do_not_slow_its_first_redial(provided, attend, monkeypatch):
    monkeypatch.setattr(backoff, "REDIAL_S", (0.0, 3600.0))
    provided.will("dial", 404, 404, 200)
    attend()
    await provided.dialled()
    await provided.drop()
    await provided.dialled(2)


async def test_a_stretch_of_reading_makes_a_fresh_start(provided, attend, monkeypatch):
    monkeypatch.setattr(backoff, "STABLE_S", 0.0)
    provided.will("dial", *[FLAP] * 60, 200)
    scene = attend()
    await provided.dialled()
    assert scene.shell.states == ["accepted", "active"]


async def test_a_new_owner_attaches_and_shows_what_nobody_watched(provided, attend):
    scene = attend(first_owner=False, **running())
    await until(lambda: scene.shell.of(GapRecorded))
    assert provided.asked == ["dial"]
    assert scene.shell.of(GapRecorded)[0].cause == "owner_lost"
    assert scene.shell.attachments == ["reattaching", "attached"]
    assert scene.shell.states == []


async def test_a_new_owner_of_a_call_that_ended_meanwhile_ends_it(provided, attend):
    provided.will("dial", 404)
    scene = attend(first_owner=False, **running())
    assert await scene.over() == ("ended", "unattended")
