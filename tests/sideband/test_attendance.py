"""From a taken lease to the end of a call, against a provider that answers as told."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from calls.actions.ingest import CallRef
from calls.domain import session, steering
from calls.domain.changes import CommandChanged, GapRecorded, TurnChanged
from calls.domain.commands import Command, Verb
from calls.domain.inputs import Attached, Tick
from calls.domain.states import Attachment, CallState
from calls.providers import client
from calls.providers.client import ControlClient
from calls.sideband import attendance, backoff, connection, runner
from calls.sideband.attendance import Attendance
from calls.sideband.briefed import begin
from calls.sideband.doors import REDIALS, Doors
from tests.sideband.attending import Shell, briefed, running
from tests.sideband.desk import until
from tests.sideband.provider import CUT, FLAP, HANG, provider

pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def hurry(monkeypatch, settings):
    """The same pauses, a hundred times shorter."""
    monkeypatch.setattr(backoff, "REDIAL_S", (0.0, 0.005, 0.01))
    monkeypatch.setattr(backoff, "SETUP_S", (0.001, 0.005))
    monkeypatch.setattr(backoff, "REDIAL_BUDGET_S", 0.4)
    monkeypatch.setattr(backoff, "SETUP_BUDGET_S", 0.3)
    monkeypatch.setattr(attendance, "YOUNG_PAUSE_S", 0.01)


@pytest_asyncio.fixture
async def provided():
    async with provider() as served:
        yield served


class Scene:
    """One call that is being attended."""

    def __init__(self, served, shell, brief, *, first_owner):
        self.shell = shell
        self.control = ControlClient(brief.account)
        ref = CallRef(brief.id, brief.code, brief.tenant_id, "e", 1 if first_owner else 2)
        self.runner = begin(brief, ref, self.control, shell)
        self.attendance = Attendance(brief, self.runner, first_owner=first_owner)
        self.work = asyncio.create_task(self.attendance.run())

    async def over(self, seconds=5):
        await asyncio.wait_for(self.work, seconds)
        return self.shell.end


@pytest_asyncio.fixture
async def attend(provided):
    scenes = []

    def begin_scene(*, first_owner=True, sending=True, **fields):
        brief = replace(briefed(provided.url), **fields)
        scenes.append(Scene(provided, Shell(sending=sending), brief, first_owner=first_owner))
        return scenes[-1]

    yield begin_scene
    for scene in scenes:
        scene.runner.abort()
        scene.work.cancel()
        await asyncio.gather(scene.work, return_exceptions=True)
        await scene.control.aclose()


# Answering


async def test_a_ringing_call_is_accepted_with_its_session_and_dialled(provided, attend):
    scene = attend()
    await provided.dialled()
    await until(lambda: scene.shell.states[-1:] == ["active"])
    assert provided.asked == ["accept", "dial"]
    assert provided.bodies[0]["instructions"] == "Be brief."
    assert scene.shell.states == ["accepted", "active"]
    assert scene.shell.attachments == ["attaching", "attached"]


async def test_404s_while_the_leg_is_set_up_are_no_end(provided, attend):
    provided.will("dial", 404, 404, 404, 200)
    scene = attend()
    await provided.dialled()
    await until(lambda: scene.shell.states == ["accepted", "active"])
    assert provided.count("dial") == 4


async def test_a_leg_that_never_comes_up_is_a_missed_call(provided, attend):
    provided.will("dial", 404)
    scene = attend()
    assert await scene.over() == ("missed", "not_accepted")
    assert provided.count("dial") > 3


async def test_an_accept_that_the_provider_does_not_know_yet_is_asked_once_more(provided, attend):
    provided.will("accept", 404, 200)
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    assert provided.count("accept") == 2


@pytest.mark.parametrize(("age", "asked"), [(0, 2), (10, 1)])
async def test_a_caller_who_has_gone_is_a_missed_call(provided, attend, age, asked):
    provided.will("accept", 404)
    scene = attend(started_at=datetime.now(UTC) - timedelta(seconds=age))
    assert await scene.over() == ("missed", "not_accepted")
    assert provided.asked == ["accept"] * asked


async def test_an_accept_without_an_answer_that_worked_is_not_asked_again(provided, attend, monkeypatch):
    monkeypatch.setattr(client, "TOTAL_SECONDS", 1.0)
    provided.will("accept", HANG)
    asked_after = datetime.now(UTC)
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    assert provided.asked == ["accept", "dial"]
    assert scene.shell.states == ["active"]
    [gap] = scene.shell.of(GapRecorded)
    assert gap.cause == "accepted_unheard"
    assert asked_after <= gap.started_at <= gap.ended_at - timedelta(seconds=1)


async def test_an_accept_without_an_answer_that_did_not_work_is_asked_again(provided, attend, monkeypatch):
    monkeypatch.setattr(client, "TOTAL_SECONDS", 1.0)
    provided.will("accept", HANG, 200)
    provided.will("dial", 404, 200)
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    assert provided.asked == ["accept", "dial", "accept", "dial"]
    assert scene.shell.of(GapRecorded) == [], "the second accept worked, so the first did not"


@pytest.mark.parametrize("first", [HANG, 502])
async def test_a_call_that_was_accepted_unheard_is_not_given_up_while_its_leg_is_set_up(
    provided, attend, monkeypatch, first
):
    """The second accept finds it accepted already: 404, the same answer as for a caller who has gone."""
    monkeypatch.setattr(client, "TOTAL_SECONDS", 1.0)
    provided.will("accept", first, 404)
    provided.will("dial", 404, 404, 404, 404, 200)
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    assert provided.count("accept") == 2


async def test_a_busy_provider_is_asked_again(provided, attend):
    provided.will("accept", (429, {"Retry-After": "0"}), 500, 200)
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    assert provided.count("accept") == 3


async def test_the_numberof_many_accepts_is_not_taken_from_the_leg(provided, attend, monkeypatch):
    """The set-up has its own budget; it begins with the first dial."""
    monkeypatch.setattr(backoff, "REDIAL_S", (0.0, 0.2, 0.2))
    provided.will("accept", 500, 500, 200)
    provided.will("dial", 404, 404, 200)
    scene = attend()
    await until(lambda: "active" in scene.shell.states)
    assert scene.shell.states == ["accepted", "active"]


@pytest.mark.parametrize("answer", [500, (429, {"Retry-After": "3600"})])
async def test_a_caller_does_not_wait_longer_than_a_caller_would(provided, attend, settings, answer):
    settings.CALLS = {**settings.CALLS, "accept_max_age_s": 1}
    provided.will("accept", answer)
    scene = attend(started_at=datetime.now(UTC) - timedelta(seconds=0.7))
    assert await scene.over() == ("missed", "provider_unreachable")


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refused_accept_is_final(provided, attend, status):
    provided.will("accept", status)
    scene = attend()
    assert await scene.over() == ("lost", "not_accepted")
    assert provided.asked == ["accept"]


async def test_settings_that_cannot_be_sent_are_not_sent(provided, attend):
    scene = attend(settings={"temperature": 9})
    assert await scene.over() == ("missed", "not_accepted")
    assert provided.asked == []


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_a_call_without_an_agent_is_turned_away(provided, attend, status):
    provided.will("reject", status)
    scene = attend(has_agent=False, model="")
    assert await scene.over() == ("refused", "no_route")
    assert provided.asked == ["reject"]
    assert provided.bodies == [{"status_code": 404}]


async def test_a_call_beyond_the_limit_is_turned_away_as_busy(provided, attend):
    scene = attend(busy=True)
    assert await scene.over() == ("refused", "busy")
    assert provided.asked == ["reject"]
    assert provided.bodies == [{"status_code": 486}]


async def test_a_second_owner_of_a_ringing_call_dials_before_it_accepts(provided, attend):
    """The first may have died between its accept and the note of it; what was said since then nobody heard."""
    announced = datetime.now(UTC) - timedelta(seconds=8)
    scene = attend(first_owner=False, started_at=announced)
    await until(lambda: "active" in scene.shell.states)
    assert provided.asked == ["dial"]
    assert [(gap.started_at, gap.cause) for gap in scene.shell.of(GapRecorded)] == [(announced, "accepted_unheard")]


async def test_a_second_owner_accepts_what_nobody_accepted(provided, attend):
    provided.will("dial", 404, 200)
    scene = attend(first_owner=False)
    await until(lambda: "active" in scene.shell.states)
    assert provided.asked == ["dial", "accept", "dial"]
    assert scene.shell.of(GapRecorded) == []


async def test_a_second_owner_of_an_accepted_call_dials_and_does_not_accept(provided, attend):
    provided.will("dial", 404, 200)
    scene = attend(first_owner=False, state=CallState.ACCEPTED, attachment=Attachment.ATTACHING)
    await until(lambda: scene.shell.states == ["active"])
    assert provided.asked == ["dial", "dial"]


# Watching


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


async def test_a_second_owner_of_a_ringing_call_asks_until_it_is_answered(provided, attend):
    provided.will("accept", CUT, CUT, 200)
    provided.will("dial", CUT, CUT, 200)
    scene = attend(first_owner=False)
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


# Steering


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


async def test_an_accept_is_not_repeated_once_the_lease_may_be_over(provided, attend):
    provided.will("accept", 500)
    scene = attend()
    await until(lambda: provided.asked)
    scene.shell.sending = False
    await asyncio.wait_for(scene.work, 30)
    assert scene.shell.changes == []


# Failures of our own


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
