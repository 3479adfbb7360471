"""From a taken lease to a call that is answered, against a provider that answers as told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from calls.domain.changes import GapRecorded
from calls.domain.states import Attachment, CallState
from calls.providers import client
from calls.sideband import backoff
from tests.sideband.desk import until
from tests.sideband.provider import HANG

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("short_pauses")]


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
    scene = attend(age=timedelta(seconds=age))
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
    scene = attend(age=timedelta(seconds=0.7))
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
