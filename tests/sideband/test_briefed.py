"""A runner that knows what an earlier owner knew."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from calls.actions.ingest import CallRef
from calls.domain.changes import Signs
from calls.domain.inputs import Tick
from calls.domain.states import Attachment, CallState
from calls.providers.base import Account
from calls.selectors.sideband import Briefing, PendingCommand
from calls.sideband import briefed
from tests.sideband.desk import at, turn

BRIEF = Briefing(
    id=1, code=UUID(int=1), tenant_id=UUID(int=9), stream_epoch="e", call_id="rtc_1", state=CallState.ACTIVE,
    attachment=Attachment.ATTACHED, started_at=at(0), age=timedelta(seconds=9),
    answered_at=at(1), last_event_at=at(5), deadline=None,
    signs=Signs(2, at(3)),
    account=Account("http://127.0.0.1:9/v1", "sk-test"), has_agent=True, busy=False, model="gpt-realtime", voice="marin",
    greeting="", instructions="Be brief.", settings={}, turns=[], commands=[],
)  # fmt: skip


def begun(**fields):
    async def work():
        brief = replace(BRIEF, **fields)
        return briefed.begin(brief, CallRef(1, brief.code, brief.tenant_id, "e", 2), None, None)

    return asyncio.run(work())


def test_a_session_goes_on_where_it_was():
    session = begun(turns=[turn().turn]).session
    assert (session.state, session.attachment) == (CallState.ACTIVE, Attachment.ATTACHED)


@pytest.mark.parametrize(
    ("fields", "deadline"),
    [
        ({}, at(1) + timedelta(minutes=60)),
        ({"deadline": at(90)}, at(90)),
        ({"answered_at": None, "state": CallState.RINGING}, None),
    ],
)
def test_the_cap_is_the_providers_or_counts_from_the_answer(fields, deadline):
    assert begun(**fields).session.deadline == deadline


def test_what_an_earlier_owner_saw_is_known():
    assert begun().session._lookout.signs == BRIEF.signs


def test_a_command_left_behind_is_waited_for():
    left = PendingCommand(UUID(int=5), "inform", "Hi", "sent", at(2), at(3), {})
    resumed = begun(commands=[left])
    step = resumed.session.advance(Tick(), at(600))
    assert [change.state.value for change in step.changes if getattr(change, "command_id", None) == left.id] == [
        "not_confirmed"
    ]


def test_a_command_of_another_version_is_left_to_whoever_settles_it():
    left = PendingCommand(UUID(int=5), "juggle", "", "sent", at(2), at(3), {})
    step = begun(commands=[left]).session.advance(Tick(), at(600))
    assert not [change for change in step.changes if getattr(change, "command_id", None) == left.id]


@pytest.mark.parametrize(
    ("settings", "due", "model"),
    [({}, True, "gpt-realtime-whisper"), ({"transcription": None}, False, None), ({"temperature": 9}, False, None)],
)
def test_the_plan_awaits_the_callers_words_where_they_are_transcribed(settings, due, model):
    plan = briefed._plan(replace(BRIEF, settings=settings))
    assert plan.transcription_due is due
    assert (plan.transcription_model is None) is (model is None)


def test_an_empty_greeting_is_none():
    assert briefed._plan(BRIEF).greeting is None
    assert briefed._plan(replace(BRIEF, greeting="Hello!")).greeting == "Hello!"
