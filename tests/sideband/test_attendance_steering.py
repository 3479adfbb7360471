"""What is asked of a call that is attended, and failures of our own."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from calls.domain import session, steering
from calls.domain.changes import CommandChanged
from calls.domain.commands import Command, Verb
from calls.domain.inputs import Attached, Tick
from calls.domain.states import CallState
from calls.sideband import backoff, runner
from tests.sideband.desk import until

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("short_pauses")]


def ordered(verb, text=""):
    return Command(uuid4(), verb, text)


def command_states(scene):
    return [change.state.value for change in scene.shell.of(CommandChanged)]


async def test_a_command_is_sent_as_a_client_event(provided, attend):
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    command = ordered(Verb.INFORM, "She is a VIP.")
    scene.runner.command(command)
    await until(lambda: provided.heard)
    assert provided.heard[0]["type"] == "conversation.item.create"
    assert "VIP" in str(provided.heard[0])
    assert command_states(scene)[-1] == "sent"


async def test_nothing_is_sent_once_the_lease_may_be_over(provided, attend, caplog):
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    scene.shell.sending = False
    for command in (ordered(Verb.INFORM, "Secret."), ordered(Verb.HANG_UP)):
        scene.runner.command(command)
    await until(lambda: caplog.text.count("not sent") == 2)
    assert provided.heard == []
    assert "hangup" not in provided.asked
    assert command_states(scene) == []


async def test_what_was_held_back_goes_out_when_the_lease_is_sure_again(provided, attend, caplog, monkeypatch):
    monkeypatch.setattr(steering, "RETRY", timedelta(milliseconds=20))
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    scene.shell.sending = False
    scene.runner.command(ordered(Verb.INFORM, "She is a VIP."))
    scene.runner.command(ordered(Verb.HANG_UP))
    await until(lambda: caplog.text.count("not sent") >= 2)
    scene.shell.sending = True
    await until(lambda: provided.heard and "hangup" in provided.asked)
    assert "VIP" in str(provided.heard)
    assert command_states(scene)[:2] == ["sent", "sent"]


async def test_a_greeting_that_was_held_back_is_not_lost(provided, attend, caplog, monkeypatch):
    monkeypatch.setattr(session, "RETRY", timedelta(milliseconds=20))
    scene = attend(greeting="Greet the caller.", first_owner=False, state=CallState.ACCEPTED)
    scene.shell.sending = False
    await until(lambda: "not sent" in caplog.text)
    scene.shell.sending = True
    await until(lambda: provided.heard)
    await asyncio.sleep(0.05)
    assert [frame["event_id"] for frame in provided.heard] == ["greeting"]


@pytest.mark.parametrize("fields", [{}, {"has_agent": False, "model": ""}], ids=["accept", "reject"])
async def test_a_call_is_not_answered_once_the_lease_may_be_over(provided, attend, fields):
    scene = attend(sending=False, **fields)
    await asyncio.wait_for(scene.work, 30)
    assert provided.asked == []
    assert scene.shell.changes == []


@pytest.fixture
def unhurried(monkeypatch):
    """Between one accept and the next there is time to change something."""
    monkeypatch.setattr(backoff, "REDIAL_S", (1.0,))


async def test_an_accept_is_not_repeated_once_the_lease_may_be_over(provided, attend, unhurried):
    provided.will("accept", 500)
    scene = attend()
    await until(lambda: provided.asked)
    scene.shell.sending = False
    await asyncio.wait_for(scene.work, 30)
    assert scene.shell.changes == []


async def test_an_accept_is_not_repeated_once_the_call_was_let_go(provided, attend, unhurried):
    """Though the process may speak for its other calls again."""
    provided.will("accept", 500)
    scene = attend()
    await until(lambda: provided.asked)
    scene.runner.abort()
    await asyncio.wait_for(scene.work, 30)
    assert provided.asked == ["accept"]


def spoil(monkeypatch, name, when):
    """Have a function of the runner raise for what `when` says."""
    sound = getattr(runner, name)

    def broken(given):
        if when(given):
            raise RuntimeError("broken")
        return sound(given)

    monkeypatch.setattr(runner, name, broken)


async def test_a_sender_that_fails_ends_the_attendance(provided, attend, monkeypatch):
    """Otherwise the call would be watched on, and nothing sent any more, without a word in the log."""
    spoil(monkeypatch, "encode", lambda event: True)
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    scene.runner.command(ordered(Verb.INFORM, "VIP"))
    with pytest.raises(ExceptionGroup, match="TaskGroup") as failure:
        await asyncio.wait_for(scene.work, 30)
    assert str(failure.value.exceptions) == "(RuntimeError('broken'),)"
    await until(lambda: provided.closed == 1)


async def test_a_reader_that_fails_closes_its_socket_and_stops_its_clock(provided, attend, monkeypatch):
    spoil(monkeypatch, "decode", lambda raw: b"poison" in raw)
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    scene.runner.command(ordered(Verb.HANG_UP))
    await until(lambda: "hangup" in provided.asked)
    await provided.say("poison")
    with pytest.raises(ExceptionGroup):
        await asyncio.wait_for(scene.work, 30)
    await until(lambda: provided.closed == 1)
    assert scene.runner._timer is None
    before = list(scene.shell.changes)
    scene.runner.feed(Tick())
    assert scene.shell.changes == before


async def test_a_failure_before_the_first_frame_closes_the_socket(provided, attend, monkeypatch):
    def broken(*given):
        raise RuntimeError("broken")

    monkeypatch.setitem(session._INPUTS, Attached, broken)
    scene = attend()
    with pytest.raises(ExceptionGroup):
        await asyncio.wait_for(scene.work, 30)
    await until(lambda: provided.closed == 1)


async def test_a_cancelled_attendance_ends_at_once_and_closes_its_socket(provided, attend):
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    scene.work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.shield(scene.work), 30)
    await until(lambda: provided.closed == 1)


async def test_a_hang_up_is_confirmed_by_the_end_of_the_call(provided, attend):
    provided.will("dial", 200, 404)
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    scene.runner.command(ordered(Verb.HANG_UP))
    await until(lambda: "hangup" in provided.asked)
    await provided.socket.close(code=1000)
    assert await scene.over() == ("ended", "hung_up")
    assert command_states(scene)[-1] == "confirmed"


async def test_a_hang_up_of_a_call_that_is_gone_succeeds(provided, attend):
    provided.will("hangup", 404)
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    scene.runner.command(ordered(Verb.HANG_UP))
    assert (await scene.over())[0] == "ended"
    assert command_states(scene)[-1] == "confirmed"


@pytest.mark.parametrize("status", [400, 500])
async def test_a_transfer_that_is_not_taken_is_refused_and_asked_once(provided, attend, status):
    provided.will("refer", status)
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    scene.runner.command(ordered(Verb.TRANSFER, "tel:+14155550123"))
    await until(lambda: command_states(scene)[-1:] == ["refused"])
    assert provided.bodies[-1] == {"target_uri": "tel:+14155550123"}
    assert provided.count("refer") == 1
    assert scene.shell.states[-1] == "active"


async def test_an_aborted_call_is_let_go_of_at_once(provided, attend):
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    before = list(scene.shell.changes)
    scene.runner.abort()
    await asyncio.wait_for(scene.work, 30)
    assert scene.shell.changes == before
    assert provided.count("dial") == 1
