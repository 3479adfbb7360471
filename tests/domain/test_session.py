"""The life of a call: the line, the gaps, the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from calls.domain import client_events, events, inputs
from calls.domain.changes import AttachmentChanged, CallStateChanged, GapRecorded, UsageRecorded
from calls.domain.commands import Verb
from calls.domain.outgoing import ControlCall, SendEvent
from calls.domain.session import Session
from calls.domain.states import ATTACHMENT, CALL, LIVE, Attachment, CallState, EndReason
from calls.exceptions import InvalidTransition
from tests.domain.talk import (
    PLAN,
    START,
    Talk,
    agent_item,
    audio_item,
    claim,
    created,
    done,
    opening,
    reply,
    utterance,
    words,
)

HANG_UP = claim(Verb.HANG_UP)
GREETING = SendEvent(client_events.greeting("Greet the caller."))


def test_an_accepted_call_is_active_only_when_its_sideband_opens() -> None:
    talk = Talk(attached=False)

    talk(inputs.Accepted(), inputs.Attached())

    assert talk.states == [("accepted", None), ("active", None)]
    assert [change.attachment for change in talk.of(AttachmentChanged)] == ["attaching", "attached"]


def test_the_greeting_goes_out_once() -> None:
    talk = Talk(replace(PLAN, greeting="Greet the caller."), attached=False)

    talk(inputs.Attached(), inputs.Detached(1006), inputs.Attached())

    assert talk.sent == [
        {
            "type": "response.create",
            "event_id": "greeting",
            "response": {"instructions": "Greet the caller."},
        }
    ]


GREETED = replace(PLAN, greeting="Greet the caller.")


def test_a_greeting_that_did_not_go_out_goes_out_when_the_line_is_back() -> None:
    talk = Talk(GREETED, attached=False, road="down")
    talk(inputs.Attached(), inputs.Detached(1006))
    talk.outgoing, talk.road = [], "up"

    talk(inputs.Attached(), inputs.Detached(1006), inputs.Attached())

    assert [frame["event_id"] for frame in talk.sent] == ["greeting"]


def test_a_greeting_that_did_not_go_out_is_tried_again_soon() -> None:
    talk = Talk(GREETED, attached=False, road="down")
    for _ in range(3):
        step = talk(inputs.Attached()) if not talk.outgoing else talk.tick(1)
        assert step.wake_at == talk.at + timedelta(seconds=1)
    talk.outgoing, talk.road = [], "up"

    step = talk.tick(1)

    assert [frame["event_id"] for frame in talk.sent] == ["greeting"]
    assert step.wake_at is None


def test_a_greeting_comes_too_late_once_somebody_spoke_but_not_after_an_operators_whisper() -> None:
    whisper = events.ItemAdded(events.Item("item_w", "message", "system", "completed"), None)
    for said, greeted in ((whisper, True), (events.SpeechStarted("item_u", 0), False)):
        talk = Talk(GREETED, attached=False, road="down")
        talk(inputs.Attached(), said)
        talk.outgoing, talk.road = [], "up"
        step = talk.tick(1)
        assert bool(talk.sent) is greeted
        assert step.wake_at is None


def test_a_new_owner_of_an_answered_call_does_not_greet() -> None:
    talk = Talk(GREETED, attached=False, state=CallState.ACTIVE, attachment=Attachment.ATTACHED)

    talk(inputs.Resumed(START), inputs.Attached())

    assert talk.sent == []


def test_an_agent_without_a_greeting_waits() -> None:
    assert Talk().sent == []


def test_a_call_with_a_transcript_is_not_greeted_again() -> None:
    before = Talk()
    before(*reply("resp_1", "item_a", None, "Hello."))
    talk = Talk(replace(PLAN, greeting="Greet."), turns=before.turns)

    assert talk.sent == []


def test_a_drop_of_the_line_is_a_gap_and_asks_for_what_was_open() -> None:
    talk = Talk()
    talk(*utterance("item_u", None), *opening("resp_1", "item_a", "item_u", ["Let me"]))

    talk(inputs.Detached(1006))
    dropped = talk.at
    talk(inputs.Attached(), seconds=2)

    assert talk.of(GapRecorded) == [GapRecorded(dropped, talk.at, "socket_closed")]
    assert [frame["item_id"] for frame in talk.sent] == ["item_u", "item_a"]
    assert {frame["type"] for frame in talk.sent} == {"conversation.item.retrieve"}


def test_what_was_said_before_an_accept_was_known_to_work_is_a_gap_and_is_asked_for() -> None:
    talk = Talk(attached=False)
    talk(inputs.Attached(unheard_since=START), seconds=12)

    assert talk.of(GapRecorded) == [GapRecorded(START, talk.at, "accepted_unheard")]
    talk(*utterance("item_u", "item_greeting"))
    assert [frame["item_id"] for frame in talk.sent] == ["item_greeting"]


def test_a_clock_that_ran_back_makes_no_gap_of_negative_length() -> None:
    talk = Talk(attached=False)
    talk(inputs.Attached(unheard_since=START + timedelta(minutes=1)))

    [gap] = talk.of(GapRecorded)
    assert gap.started_at == gap.ended_at == talk.at


AHEAD = timedelta(minutes=15)


@pytest.mark.parametrize("found", [inputs.Attached(), inputs.Gone()], ids=["again", "gone"])
def test_a_former_owner_whose_clock_was_ahead_leaves_no_gap_of_negative_length(found: inputs.Input) -> None:
    talk = Talk(attached=False, state=CallState.ACTIVE, attachment=Attachment.REATTACHING)

    talk(inputs.Resumed(START + AHEAD), found)

    [gap] = talk.of(GapRecorded)
    assert gap.started_at == gap.ended_at == talk.at
    assert all(change.at == talk.at for change in talk.of(CallStateChanged))


def test_a_call_beyond_its_cap_ends_no_later_than_now_whatever_a_former_owner_said() -> None:
    talk = Talk(attached=False, state=CallState.ACTIVE, attachment=Attachment.REATTACHING, deadline=START)

    talk(inputs.Resumed(START + AHEAD), inputs.Tick())

    [gap], [end] = talk.of(GapRecorded), talk.of(CallStateChanged)
    assert gap.started_at == gap.ended_at == end.at == talk.at


@pytest.mark.parametrize("found", [inputs.Attached(), inputs.Gone()], ids=["again", "gone"])
def test_our_own_clock_that_is_set_back_ends_nothing_in_the_future(found: inputs.Input) -> None:
    talk = Talk()
    talk(inputs.Detached(1006))

    talk(found, seconds=-AHEAD.total_seconds())

    assert all(gap.started_at == gap.ended_at == talk.at for gap in talk.of(GapRecorded))
    assert all(change.at == talk.at for change in talk.of(CallStateChanged))
    assert talk.of(GapRecorded) or talk.of(CallStateChanged)


def test_retrieved_items_fill_what_a_gap_left_open() -> None:
    talk = Talk()
    talk(*utterance("item_u", None), *opening("resp_1", "item_a", "item_u", ["Let me"]))
    talk(inputs.Detached(1006), inputs.Attached())

    talk(
        events.ItemRetrieved(audio_item("item_u", transcript="What time is it?")),
        events.ItemRetrieved(agent_item("item_a", "Let me look.", "completed")),
    )

    assert [(turn.text, turn.status) for turn in talk.turns] == [
        ("What time is it?", "completed"),
        ("Let me look.", "completed"),
    ]
    assert talk.turn("item_u").transcription == "completed"


def test_an_item_that_only_a_follower_betrays_is_asked_for_after_a_gap() -> None:
    talk = Talk()
    talk(*reply("resp_1", "item_a", None, "Hello."), inputs.Detached(1001), inputs.Attached())

    talk(events.ItemAdded(audio_item("item_c"), "item_b"))
    talk(events.ItemRetrieved(agent_item("item_b", "Missed.", "completed")))

    assert talk.sent[-1]["item_id"] == "item_b"
    assert talk.order == ["item_a", "item_b", "item_c"]
    assert talk.session.oddities == Counter({"unseen predecessor": 1})


def test_a_response_that_ended_in_a_gap_has_no_complete_bill() -> None:
    talk = Talk()
    talk(created("resp_1"), inputs.Detached(None), inputs.Attached(), created("resp_2"), done("resp_2"))

    bills = [(bill.ref_id, bill.complete) for bill in talk.of(UsageRecorded)]
    assert bills == [("resp_1", False), ("resp_2", True)]


def test_a_response_that_outlived_a_gap_is_billed_in_full() -> None:
    talk = Talk()
    talk(created("resp_1"), inputs.Detached(None), inputs.Attached(), done("resp_1"))

    assert [bill.complete for bill in talk.of(UsageRecorded)] == [True]


def test_gone_after_a_drop_ends_the_call_at_the_time_of_the_drop() -> None:
    talk = Talk()
    talk(inputs.Detached(1006))
    dropped = talk.at

    talk(inputs.Gone(), seconds=3)

    assert talk.of(CallStateChanged) == [CallStateChanged(CallState.ENDED, dropped, EndReason.REMOTE_HANG_UP)]
    assert talk.of(AttachmentChanged)[-1].attachment == Attachment.CLOSED
    assert talk.of(GapRecorded) == []


def test_the_end_closes_what_is_open() -> None:
    talk = Talk()
    talk(*utterance("item_u", None), *opening("resp_1", "item_a", "item_u", ["Let me see"]))

    talk(inputs.Detached(1006), inputs.Gone())

    assert [(turn.status, turn.transcription, turn.text) for turn in talk.turns] == [
        ("completed", "missing", ""),
        ("incomplete", None, "Let me see"),
    ]
    assert [(bill.ref_id, bill.complete) for bill in talk.of(UsageRecorded)] == [("resp_1", False)]
    assert all(turn.ended_at for turn in talk.turns)


def test_a_call_that_ends_after_a_mended_gap_ends_when_it_is_told() -> None:
    talk = Talk()
    talk(inputs.Detached(1006), inputs.Attached(), inputs.Gone())

    assert talk.of(CallStateChanged)[-1].at == talk.at


@pytest.mark.parametrize("last", [None, START - timedelta(seconds=30)])
def test_a_new_owner_does_not_seek_a_call_beyond_its_cap(last: datetime | None) -> None:
    talk = Talk(attached=False, state=CallState.ACTIVE, attachment=Attachment.REATTACHING, deadline=START)

    step = talk(inputs.Resumed(last), inputs.Tick())

    assert talk.states == [("ended", "max_duration")]
    assert step.wake_at is None
    assert len(talk.of(GapRecorded)) == (last is not None)


def test_gone_before_the_leg_came_up_is_left_to_the_runner() -> None:
    talk = Talk(attached=False)
    talk(inputs.Accepted(), inputs.Gone())
    assert talk.states == [("accepted", None)]

    talk(inputs.GaveUp(CallState.MISSED, EndReason.NOT_ACCEPTED, "404"))

    assert talk.states[-1] == ("missed", "not_accepted")


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ([inputs.Detached(1006), inputs.Gone()], "remote_hang_up"),
        ([HANG_UP, inputs.Detached(1006), inputs.Gone()], "hung_up"),
        (
            [HANG_UP, inputs.ControlAnswered(HANG_UP.command.id, "ok"), inputs.Detached(1006), inputs.Gone()],
            "hung_up",
        ),
        ([HANG_UP, inputs.ControlAnswered(HANG_UP.command.id, "gone")], "remote_hang_up"),
        (
            [
                HANG_UP,
                inputs.ControlAnswered(HANG_UP.command.id, "unknown"),
                inputs.ControlAnswered(HANG_UP.command.id, "gone"),
            ],
            "hung_up",
        ),
        (
            [
                events.ProviderFault(events.ProviderFaultInfo(code="session_expired")),
                inputs.Detached(1001),
            ],
            "max_duration",
        ),
        (
            [inputs.Detached(1001, "Your session hit the maximum duration of 60 minutes.")],
            "max_duration",
        ),
    ],
)
def test_the_reason_of_the_end_is_what_is_known(told: list[inputs.Input], reason: str) -> None:
    talk = Talk()

    talk(*told)

    assert talk.states[-1] == ("ended", reason)


def test_a_call_that_drops_after_an_hour_met_the_cap() -> None:
    talk = Talk()

    talk(inputs.Detached(1006), seconds=3600)

    assert talk.states[-1] == ("ended", "max_duration")


def test_the_cap_ends_the_search_for_a_call() -> None:
    talk = Talk()
    step = talk(inputs.Detached(1006), seconds=3590)
    assert step.wake_at == START + timedelta(seconds=0.1, hours=1)

    talk.tick(10)

    assert talk.states[-1] == ("ended", "max_duration")


def test_a_new_owner_records_what_nobody_watched() -> None:
    last = START - timedelta(seconds=4)
    talk = Talk(attached=False, state=CallState.ACTIVE, attachment=Attachment.ATTACHED)

    talk(inputs.Resumed(last), inputs.Attached())

    assert talk.of(GapRecorded) == [GapRecorded(last, talk.at, "owner_lost")]
    assert talk.states == []


def test_a_new_owner_that_finds_no_call_says_that_it_ended_unattended() -> None:
    last = START - timedelta(seconds=4)
    talk = Talk(attached=False, state=CallState.ACTIVE, attachment=Attachment.REATTACHING)

    talk(inputs.Resumed(last), inputs.Gone())

    assert talk.of(GapRecorded) == [GapRecorded(last, talk.at, "ended_unattended")]
    assert talk.of(CallStateChanged)[-1] == CallStateChanged(CallState.ENDED, talk.at, EndReason.UNATTENDED)


def test_a_new_owner_goes_on_with_the_stored_turns() -> None:
    before = Talk()
    before(*utterance("item_u", None), *opening("resp_1", "item_a", "item_u", ["Let me"]))
    talk = Talk(attached=False, state=CallState.ACTIVE, attachment=Attachment.DETACHED, turns=before.turns)

    talk(inputs.Resumed(START), inputs.Attached(), *words("item_u", "What time is it?"))
    talk(*closing_of("Let me look."), *utterance("item_v", "item_a"))

    assert [(turn.item_id, turn.text) for turn in talk.turns] == [
        ("item_u", "What time is it?"),
        ("item_a", "Let me look."),
        ("item_v", ""),
    ]
    assert talk.turn("item_u").rank == before.turn("item_u").rank


def closing_of(text: str) -> list[events.Event]:
    return [
        events.OutputTextDone("resp_1", "item_a", 0, text),
        done("resp_1", agent_item("item_a", text, "completed")),
    ]


def test_a_new_owner_writes_off_the_response_that_was_open() -> None:
    before = Talk()
    before(*opening("resp_1", "item_a", None, ["Let me"]))
    talk = Talk(attached=False, state=CallState.ACTIVE, attachment=Attachment.ATTACHED, turns=before.turns)

    talk(inputs.Resumed(START), inputs.Gone())

    assert [(bill.ref_id, bill.complete) for bill in talk.of(UsageRecorded)] == [("resp_1", False)]
    assert talk.turn("item_a").status == "incomplete"


def test_nothing_comes_of_what_arrives_after_the_end() -> None:
    talk = Talk()
    talk(inputs.Detached(1006), inputs.Gone())
    talk.changes.clear()

    talk(
        inputs.Gone(),
        inputs.Detached(1006),
        inputs.Tick(),
        inputs.GaveUp(CallState.LOST, EndReason.PROVIDER_UNREACHABLE),
        inputs.ControlAnswered(HANG_UP.command.id, "ok"),
        *reply("resp_1", "item_a", None, "Hello."),
    )

    assert talk.changes == []


@pytest.mark.parametrize(
    ("given", "misuse"),
    [
        ([], inputs.Attached()),
        ([inputs.Detached(None)], inputs.Detached(None)),
        ([inputs.Detached(None), inputs.Gone()], inputs.Attached()),
        ([inputs.Detached(None), inputs.Gone()], inputs.Resumed(None)),
        ([], inputs.Accepted()),
        ([HANG_UP], HANG_UP),
        ([], inputs.GaveUp(CallState.REFUSED, EndReason.BUSY)),
    ],
)
def test_misuse_by_our_own_code_is_an_invalid_transition(given: list[inputs.Input], misuse: inputs.Input) -> None:
    talk = Talk()
    talk(*given)

    with pytest.raises(InvalidTransition):
        talk(misuse)


EVERY_INPUT: list[inputs.Input] = [
    inputs.Accepted(),
    inputs.Attached(),
    inputs.Detached(1006),
    inputs.Gone(),
    inputs.GaveUp(CallState.LOST, EndReason.PROVIDER_UNREACHABLE),
    inputs.Tick(),
    inputs.Resumed(START),
    *(claim(verb) for verb in Verb),
    *(inputs.Sent(what) for what in (GREETING, ControlCall("hang_up", HANG_UP.command.id))),
    *(inputs.NotSent(what, "no") for what in (GREETING, ControlCall("hang_up", HANG_UP.command.id))),
    *(inputs.ControlAnswered(HANG_UP.command.id, outcome) for outcome in ("ok", "gone", "refused", "unknown")),
    events.SpeechStarted("item_u", 0),
    done("resp_1"),
]


@pytest.mark.parametrize("told", EVERY_INPUT, ids=lambda told: type(told).__name__)
@pytest.mark.parametrize("attachment", Attachment)
@pytest.mark.parametrize("state", CallState)
def test_every_input_in_every_state_moves_by_the_tables_or_is_refused(
    state: CallState, attachment: Attachment, told: inputs.Input
) -> None:
    session = Session(PLAN, state=state, attachment=attachment)

    try:
        session.advance(told, START)
    except InvalidTransition:
        return
    assert reachable(CALL, state, session.state)
    assert reachable(ATTACHMENT, attachment, session.attachment)
    assert state in LIVE or session.state is state


def reachable(table: object, here: object, there: object) -> bool:
    seen, new = {here}, {here}
    while new:
        new = {one for state in new for one in table[state]} - seen  # type: ignore[index]
        seen |= new
    return there in seen


def test_a_step_says_when_to_wake() -> None:
    talk = Talk()

    step = talk(HANG_UP)

    assert step.wake_at == talk.at + PLAN.hang_up_timeout
    assert talk(events.Ignored("x")).wake_at == step.wake_at
