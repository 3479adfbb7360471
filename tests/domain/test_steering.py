"""Operators' commands: what goes out, what proves it, what refuses it, and what becomes of silence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from calls.domain import events, inputs
from calls.domain.changes import CommandChanged
from calls.domain.commands import Command, Verb
from calls.domain.outgoing import ControlCall
from calls.domain.session import SentCommand
from calls.domain.states import Attachment, CallState, CommandState
from tests.domain.talk import (
    COMMAND,
    FIRST,
    HEX,
    INSTRUCTED,
    OTHER,
    SECOND,
    START,
    Talk,
    agent_item,
    claim,
    created,
    done,
    fault,
    marked,
    opening,
    own_item,
    reply,
    utterance,
)


def test_inform_creates_an_item_of_our_own_and_is_proven_by_it() -> None:
    talk = Talk()
    talk(*reply("resp_1", "item_a", None, "Hello."))

    talk(claim(Verb.INFORM, "VIP"))

    assert talk.sent == [
        {
            "type": "conversation.item.create",
            "event_id": FIRST,
            "item": {
                "id": HEX,
                "type": "message",
                "role": "system",
                "content": [{"type": "input_text", "text": "VIP"}],
            },
        }
    ]
    assert talk.commands == ["sent"]
    talk(events.ItemAdded(own_item(), "item_a"))
    assert talk.of(CommandChanged)[-1].after_item_id == "item_a"
    assert talk.commands == ["sent", "confirmed"]
    turn = talk.turn(HEX)
    assert (turn.speaker, turn.command_id, turn.text) == ("operator", COMMAND, "VIP")


def test_instruct_is_proven_by_the_session_that_has_the_words() -> None:
    talk = Talk()
    talk(claim(Verb.INSTRUCT, "Be brief."))
    assert talk.sent[0]["session"] == {"type": "realtime", "instructions": "Be brief."}

    talk(events.SessionReported({"instructions": "Other."}, updated=True))
    assert talk.commands == ["sent"]
    talk(events.SessionReported(INSTRUCTED, updated=True))

    assert talk.commands == ["sent", "confirmed"]


def test_newer_instructions_supersede_unproven_ones() -> None:
    talk = Talk()
    talk(claim(Verb.INSTRUCT, "Be long.", OTHER), claim(Verb.INSTRUCT, "Be brief."))

    talk(events.SessionReported(INSTRUCTED, updated=True))

    settled = {change.command_id: change.state for change in talk.of(CommandChanged)}
    assert settled == {OTHER: CommandState.NOT_CONFIRMED, COMMAND: CommandState.CONFIRMED}


def test_say_is_spoken_word_for_word_and_its_turn_bears_the_command() -> None:
    talk = Talk()
    talk(claim(Verb.SAY, "Hold on."))
    assert talk.sent[0]["response"] == {
        "instructions": 'Say exactly this to the caller, word for word: "Hold on."',
        "metadata": {"command": HEX},
    }

    talk(marked("resp_1"), *reply("resp_1", "item_a", None, "Hold on.")[1:])

    assert talk.commands == ["sent", "confirmed"]
    assert talk.turn("item_a").command_id == COMMAND


def test_say_waits_for_the_running_response() -> None:
    talk = Talk()
    talk(created("resp_1"), claim(Verb.SAY, "Hold on."))
    assert talk.commands == []

    talk(done("resp_1"))

    assert talk.commands == ["sent"]


def test_say_does_not_wait_longer_than_its_time() -> None:
    talk = Talk()
    step = talk(created("resp_1"), claim(Verb.SAY, "Hold on."))
    assert step.wake_at == talk.at + timedelta(seconds=10)

    talk.tick(10)

    assert talk.commands == ["sent"]


def test_two_says_go_one_after_the_other() -> None:
    talk = Talk()
    talk(claim(Verb.SAY, "One."), claim(Verb.SAY, "Two.", OTHER))
    assert len(talk.sent) == 1

    talk(marked("resp_1"), done("resp_1"))

    assert talk.sent[1]["response"]["metadata"] == {"command": OTHER.hex}


@pytest.mark.parametrize("named", [FIRST, None])
def test_say_is_tried_once_more_when_a_response_was_quicker(named: str | None) -> None:
    talk = Talk()
    talk(claim(Verb.SAY, "Hold on."), created("resp_1"))

    talk(fault("conversation_already_has_active_response", named))
    assert talk.commands == ["sent"]
    talk(done("resp_1"))
    assert talk.sent[-1]["event_id"] == SECOND
    talk(fault("conversation_already_has_active_response", SECOND, "Still busy."))

    assert talk.of(CommandChanged)[-1].detail == "Still busy."
    assert talk.commands == ["sent", "refused"]


def test_stop_talking_cancels_and_clears() -> None:
    talk = Talk()
    talk(*opening("resp_1", "item_a", None, ["Once upon"]), events.PlaybackStarted("resp_1"))

    talk(claim(Verb.STOP_TALKING))
    assert talk.sent == [
        {"type": "response.cancel", "event_id": FIRST, "response_id": "resp_1"},
        {"type": "output_audio_buffer.clear", "event_id": SECOND},
    ]
    talk(
        done(
            "resp_1",
            agent_item("item_a", "Once", "incomplete"),
            status="cancelled",
            reason="client_cancelled",
        ),
        events.PlaybackCleared("resp_1"),
    )

    assert talk.commands == ["sent", "confirmed"]
    assert talk.turn("item_a").status == "cut_off"
    assert talk.notes == ["interrupted"]


def test_stop_talking_is_proven_by_the_cleared_playback_though_nothing_was_to_cancel() -> None:
    talk = Talk()
    talk(*reply("resp_1", "item_a", None, "Once upon a time."), events.PlaybackStarted("resp_1"))

    talk(claim(Verb.STOP_TALKING), fault("response_cancel_not_active"))
    assert talk.sent[0] == {"type": "response.cancel", "event_id": FIRST}
    assert talk.commands == ["sent"]
    talk(events.PlaybackCleared("resp_1"))

    assert talk.commands == ["sent", "confirmed"]
    assert talk.turn("item_a").status == "cut_off"


def test_stop_talking_with_nothing_to_stop_is_refused_after_a_moment() -> None:
    talk = Talk()

    step = talk(claim(Verb.STOP_TALKING), fault("response_cancel_not_active", message="Nothing runs."))
    assert talk.commands == ["sent"]
    assert step.wake_at == talk.at + timedelta(seconds=1)
    talk.tick(1)

    assert talk.of(CommandChanged)[-1].detail == "Nothing runs."
    assert talk.commands == ["sent", "refused"]


def test_a_transfer_is_proven_by_the_end_of_the_leg() -> None:
    talk = Talk()
    talk(claim(Verb.TRANSFER, "tel:+441632960017"))
    assert talk.control == [ControlCall("refer", COMMAND, "tel:+441632960017")]

    talk(inputs.ControlAnswered(COMMAND, "ok"), inputs.Detached(1006), inputs.Gone())

    assert talk.states == [("transferring", None), ("ended", "transferred")]
    assert talk.commands == ["sent", "confirmed"]


def test_a_transfer_that_nothing_proves_leaves_the_call_active() -> None:
    talk = Talk()
    talk(claim(Verb.TRANSFER, "tel:+441632960017"), inputs.ControlAnswered(COMMAND, "ok"))

    talk.tick(30)

    assert talk.states == [("transferring", None), ("active", None)]
    assert talk.commands == ["sent", "not_confirmed"]
    talk(inputs.Detached(1006), inputs.Gone())
    assert talk.states[-1] == ("ended", "remote_hang_up")


def test_a_refused_transfer_has_the_providers_words() -> None:
    talk = Talk()
    talk(claim(Verb.TRANSFER, "tel:1"), inputs.ControlAnswered(COMMAND, "refused", "Bad target."))

    assert talk.of(CommandChanged)[-1].detail == "Bad target."
    assert talk.states == []


def test_a_transfer_of_a_call_that_is_over_is_refused() -> None:
    talk = Talk()
    talk(claim(Verb.TRANSFER, "tel:1"), inputs.ControlAnswered(COMMAND, "gone"))

    assert talk.commands == ["sent", "refused"]
    assert talk.states[-1] == ("ended", "remote_hang_up")


def test_a_hang_up_is_proven_by_the_end_only() -> None:
    talk = Talk()
    talk(claim(Verb.HANG_UP), inputs.ControlAnswered(COMMAND, "ok"))
    assert talk.commands == ["sent"]

    talk(inputs.Detached(1006), inputs.Gone())

    assert talk.commands == ["sent", "confirmed"]
    assert talk.states[-1] == ("ended", "hung_up")


def test_a_hang_up_without_an_answer_is_repeated_once() -> None:
    talk = Talk()
    unknown = inputs.ControlAnswered(COMMAND, "unknown")

    talk(claim(Verb.HANG_UP), unknown, unknown)

    assert talk.control == [ControlCall("hang_up", COMMAND)] * 2
    talk.tick(15)
    assert talk.commands == ["sent", "not_confirmed"]


def test_a_late_end_still_confirms_a_hang_up() -> None:
    talk = Talk()
    talk(claim(Verb.HANG_UP), inputs.ControlAnswered(COMMAND, "ok"))
    talk.tick(15)

    talk(inputs.Detached(1006), inputs.Gone())

    assert talk.commands == ["sent", "not_confirmed", "confirmed"]


def test_an_end_long_after_a_hang_up_has_another_reason() -> None:
    talk = Talk()
    talk(claim(Verb.HANG_UP), inputs.ControlAnswered(COMMAND, "ok"))
    talk.tick(15)

    talk(inputs.Detached(1006), inputs.Gone(), seconds=120)

    assert talk.commands == ["sent", "not_confirmed"]
    assert talk.states[-1] == ("ended", "remote_hang_up")


@pytest.mark.parametrize(
    ("verb", "text", "late"),
    [
        (Verb.INFORM, "VIP", events.ItemAdded(own_item(), None)),
        (Verb.INSTRUCT, "Be brief.", events.SessionReported(INSTRUCTED, updated=True)),
        (Verb.SAY, "Hold on.", marked("resp_1")),
    ],
)
def test_silence_is_not_a_confirmation_and_a_late_proof_is(verb: Verb, text: str, late: events.Event) -> None:
    talk = Talk()
    step = talk(claim(verb, text))
    assert step.wake_at == talk.at + timedelta(seconds=10)

    talk.tick(10)
    assert talk.commands == ["sent", "not_confirmed"]
    talk(late)

    assert talk.commands == ["sent", "not_confirmed", "confirmed"]


@pytest.mark.parametrize("verb", [Verb.INFORM, Verb.INSTRUCT, Verb.SAY])
def test_an_error_that_names_the_frame_refuses_the_command(verb: Verb) -> None:
    talk = Talk()

    talk(claim(verb, "x"), fault(message="Not like that."))

    assert talk.of(CommandChanged)[-1].detail == "Not like that."
    assert talk.commands == ["sent", "refused"]
    assert talk.notes == ["provider_error"]


def test_an_error_of_another_frame_concerns_no_command() -> None:
    talk = Talk()

    talk(claim(Verb.INFORM, "x"), fault(event_id="event_7"), fault(event_id=f"cmd_{OTHER.hex}"))

    assert talk.commands == ["sent"]
    assert talk.notes == ["provider_error"] * 2


def test_commands_wait_for_the_line_and_are_refused_when_it_stays_down() -> None:
    talk = Talk()
    talk(inputs.Detached(1006), claim(Verb.INFORM, "VIP"))
    assert talk.commands == []

    talk.tick(10)

    assert talk.commands == ["refused"]


def test_commands_that_waited_go_out_when_the_line_is_back() -> None:
    talk = Talk()

    talk(inputs.Detached(1006), claim(Verb.INFORM, "VIP"), inputs.Attached())

    assert talk.commands == ["sent"]


def test_after_a_gap_the_proof_is_asked_for_and_what_may_be_repeated_is() -> None:
    talk = Talk()
    talk(claim(Verb.INFORM, "VIP"), claim(Verb.HANG_UP, "", OTHER), inputs.Detached(1006))

    talk(inputs.Attached())

    assert talk.sent[-1]["item_id"] == HEX
    assert talk.control == [ControlCall("hang_up", OTHER)] * 2
    talk(events.ItemRetrieved(own_item()))
    assert talk.commands[-1] == "confirmed"


def test_the_end_settles_every_command() -> None:
    talk = Talk()
    talk(claim(Verb.INFORM, "VIP"), created("resp_1"), claim(Verb.SAY, "Hi.", OTHER))

    talk(inputs.Detached(1006), inputs.Gone())

    settled = {change.command_id: change.state for change in talk.of(CommandChanged)}
    assert settled == {COMMAND: CommandState.NOT_CONFIRMED, OTHER: CommandState.REFUSED}


@pytest.mark.parametrize("state", [CallState.RINGING, CallState.ACCEPTED, CallState.ENDED, CallState.MISSED])
def test_a_call_that_is_not_up_takes_no_command(state: CallState) -> None:
    talk = Talk(attached=False, state=state)

    talk(claim(Verb.HANG_UP))

    assert talk.commands == ["refused"]
    assert talk.control == []


def resumed(verb: Verb, state: CommandState, text: str = "") -> Talk:
    sent = SentCommand(Command(COMMAND, verb, text), state, START)
    call = CallState.TRANSFERRING if verb is Verb.TRANSFER else CallState.ACTIVE
    talk = Talk(attached=False, state=call, attachment=Attachment.ATTACHED, sent=[sent])
    talk(inputs.Resumed(START))
    return talk


def test_a_new_owner_believes_the_proof_of_its_predecessors_command() -> None:
    talk = resumed(Verb.INFORM, CommandState.SENT, "VIP")

    talk(inputs.Attached(), events.ItemRetrieved(own_item()))

    assert talk.commands == ["confirmed"]
    assert talk.turn(HEX).speaker == "operator"


@pytest.mark.parametrize(
    ("verb", "then"), [(Verb.INFORM, ["not_confirmed"]), (Verb.INSTRUCT, ["sent"]), (Verb.HANG_UP, ["sent"])]
)
def test_a_new_owner_repeats_only_what_does_no_harm_twice(verb: Verb, then: list[str]) -> None:
    talk = resumed(verb, CommandState.CLAIMED, "x")

    talk(inputs.Attached())

    assert talk.commands == then


@pytest.mark.parametrize(
    ("verb", "then"), [(Verb.INFORM, ["not_confirmed"]), (Verb.HANG_UP, ["sent", "not_confirmed"])]
)
def test_a_new_owner_that_gets_no_line_does_not_know_what_was_sent(verb: Verb, then: list[str]) -> None:
    talk = resumed(verb, CommandState.CLAIMED, "x")
    assert talk.control == ([ControlCall("hang_up", COMMAND)] if verb is Verb.HANG_UP else [])

    talk.tick(15)

    assert talk.commands == then


def test_a_new_owner_finds_the_transferred_call_gone() -> None:
    talk = resumed(Verb.TRANSFER, CommandState.SENT, "tel:1")

    talk(inputs.Gone())

    assert talk.commands == ["confirmed"]
    assert talk.states == [("ended", "transferred")]


def test_a_new_owner_does_not_say_of_what_may_have_been_sent_that_it_was_not() -> None:
    talk = resumed(Verb.INFORM, CommandState.CLAIMED, "x")

    talk(inputs.Gone())

    assert talk.commands == ["not_confirmed"]


# The road: what went out, and what did not


def test_a_lone_surrogate_or_nul_in_the_operators_words_can_be_sent() -> None:
    talk = Talk()

    talk(claim(Verb.INFORM, "a\0b\ud800"))

    assert talk.sent[0]["item"]["content"][0]["text"] == "ab?"


def test_the_command_notes_the_last_turn_when_it_was_sent() -> None:
    talk = Talk()
    talk(*utterance("item_u", None))

    talk(claim(Verb.HANG_UP))

    assert talk.of(CommandChanged)[0].after_item_id == "item_u"
