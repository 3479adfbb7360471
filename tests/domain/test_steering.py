"""Operators' commands: what goes out, what proves it, what refuses it, and what becomes of silence."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from calls.domain import events, inputs
from calls.domain.changes import CommandChanged, NoteAdded
from calls.domain.commands import Command, Verb
from calls.domain.outgoing import ControlCall, Outgoing, SendEvent
from calls.domain.session import SentCommand
from calls.domain.states import Attachment, CallState, CommandState
from tests.domain.talk import (
    COMMAND,
    START,
    Talk,
    agent_item,
    claim,
    created,
    done,
    opening,
    reply,
    utterance,
)

HEX = COMMAND.hex
FIRST, SECOND = f"cmd_{HEX}", f"cmd_{HEX}_2"
OTHER = UUID(int=7)
INSTRUCTED = {"instructions": "Be brief."}


def fault(code: str = "invalid_value", event_id: str | None = FIRST, message: str = "No."):
    return events.ProviderFault(events.ProviderFaultInfo(code=code, message=message), event_id)


def own_item(text: str = "VIP") -> events.Item:
    return events.Item(HEX, "message", "system", "completed", (events.Content("text", text),))


def marked(response_id: str, hexed: str = HEX) -> events.ResponseCreated:
    return created(response_id, metadata={"command": hexed})


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

EVERY_VERB = [
    claim(Verb.INFORM, "VIP"),
    claim(Verb.INSTRUCT, "Be brief."),
    claim(Verb.SAY, "Hold on."),
    claim(Verb.STOP_TALKING),
    claim(Verb.TRANSFER, "tel:1"),
    claim(Verb.HANG_UP),
]
every_verb = pytest.mark.parametrize("asked", EVERY_VERB, ids=lambda asked: asked.command.verb)


def unsent(what: Outgoing) -> inputs.NotSent:
    return inputs.NotSent(what, "the road is closed")


@every_verb
def test_a_command_is_sent_when_it_went_out_not_when_it_was_handed_out(asked: inputs.CommandClaimed) -> None:
    talk = Talk(road="held")
    talk(asked)
    assert talk.outgoing
    assert talk.commands == []

    talk(*map(inputs.Sent, talk.outgoing))

    assert talk.commands == ["sent"]
    assert talk.of(CommandChanged)[0].at > START + timedelta(seconds=0.2)


@pytest.mark.parametrize(
    ("asked", "told", "then"),
    [
        (claim(Verb.INFORM, "VIP"), events.ItemAdded(own_item(), None), "confirmed"),
        (claim(Verb.INSTRUCT, "Be brief."), events.SessionReported(INSTRUCTED, updated=True), "confirmed"),
        (claim(Verb.SAY, "Hold on."), marked("resp_1"), "confirmed"),
        (claim(Verb.STOP_TALKING), events.PlaybackCleared("resp_1"), "confirmed"),
        (claim(Verb.INFORM, "VIP"), fault(), "refused"),
        (claim(Verb.TRANSFER, "tel:1"), inputs.ControlAnswered(COMMAND, "refused"), "refused"),
        (claim(Verb.HANG_UP), inputs.ControlAnswered(COMMAND, "gone"), "confirmed"),
    ],
)
def test_what_the_provider_answered_went_out(asked: inputs.CommandClaimed, told: inputs.Input, then: str) -> None:
    """The answer may be heard before the word of the sender."""
    talk = Talk(road="held")
    talk(asked)
    handed = talk.outgoing[0]

    talk(told, inputs.Sent(handed))

    assert talk.commands == ["sent", then]


@every_verb
def test_what_did_not_go_out_is_tried_again_soon(asked: inputs.CommandClaimed) -> None:
    talk = Talk(road="down")
    step = talk(asked)
    assert talk.commands == []
    assert step.wake_at == talk.at + timedelta(seconds=1)
    first, talk.outgoing, talk.road = talk.outgoing, [], "up"

    talk.tick(1)

    assert talk.outgoing == first
    assert talk.commands == ["sent"]


@every_verb
def test_what_did_not_go_out_goes_out_when_the_line_is_back(asked: inputs.CommandClaimed) -> None:
    talk = Talk(road="down")
    talk(asked, inputs.Detached(1006))
    talk.road = "up"

    talk(inputs.Attached())

    assert talk.commands == ["sent"]


@every_verb
@pytest.mark.parametrize("line", [[], [inputs.Detached(1006)]], ids=["attached", "detached"])
def test_what_never_goes_out_is_refused_as_unsent(asked: inputs.CommandClaimed, line: list[inputs.Input]) -> None:
    talk = Talk(road="down")
    step = talk(asked, *line)

    for _ in range(30):
        if talk.commands or step.wake_at is None:
            break
        assert step.wake_at > talk.at
        step = talk.tick((step.wake_at - talk.at).total_seconds())

    [change] = talk.of(CommandChanged)
    assert (change.state, change.detail) == (CommandState.REFUSED, "Nothing was sent: the road is closed.")
    assert change.at - START <= timedelta(seconds=10.3)


def test_a_say_that_waited_its_time_and_then_did_not_go_out_is_refused() -> None:
    talk = Talk()
    talk(created("resp_1"), claim(Verb.SAY, "Hold on."))
    talk.road = "down"

    step = talk.tick(10)

    assert talk.commands == ["refused"]
    assert step.wake_at is None


def test_the_second_try_of_a_say_that_does_not_go_out_is_no_silence_of_the_provider() -> None:
    talk = Talk()
    talk(claim(Verb.SAY, "Hold on."), created("resp_1"), fault("conversation_already_has_active_response"))
    talk.road = "down"
    talk(done("resp_1"))
    talk.road = "up"

    talk.tick(1)

    assert talk.commands == ["sent"]
    assert [frame["event_id"] for frame in talk.sent] == [FIRST, SECOND, SECOND]


def test_a_repeated_hang_up_that_did_not_go_out_is_repeated() -> None:
    talk = Talk(road="held")
    talk(claim(Verb.HANG_UP))
    call = talk.outgoing[0]
    talk(inputs.Sent(call), inputs.ControlAnswered(COMMAND, "unknown"), unsent(call))
    assert len(talk.control) == 2

    talk.tick(1)

    assert len(talk.control) == 3
    assert talk.commands == ["sent"]


def test_a_repetition_that_never_goes_out_leaves_the_first_one_unproven() -> None:
    talk = Talk()
    talk(claim(Verb.HANG_UP))
    talk.road = "down"
    talk(inputs.ControlAnswered(COMMAND, "unknown"))

    for _ in range(20):
        talk.tick(1)

    assert talk.commands == ["sent", "not_confirmed"]


def test_a_stop_whose_second_frame_is_lost_was_sent() -> None:
    talk = Talk(road="held")
    talk(created("resp_1"), claim(Verb.STOP_TALKING))
    cancel, clear = talk.outgoing

    talk(inputs.Sent(cancel), unsent(clear), done("resp_1", status="cancelled"))

    assert talk.commands == ["sent", "confirmed"]


def test_an_interruption_after_a_stop_that_did_not_go_out_is_the_callers() -> None:
    talk = Talk(road="down")
    talk(*opening("resp_1", "item_a", None, ["Once upon"]), claim(Verb.STOP_TALKING))

    talk(done("resp_1", agent_item("item_a", "Once", "incomplete"), status="cancelled", reason="turn_detected"))

    assert [note.body["by"] for note in talk.of(NoteAdded) if note.kind == "interrupted"] == ["caller"]


def test_what_did_not_go_out_goes_out_before_what_was_asked_later() -> None:
    talk = Talk(road="down")
    talk(claim(Verb.INSTRUCT, "Be long.", OTHER))
    talk.outgoing, talk.road = [], "up"

    talk(claim(Verb.INSTRUCT, "Be brief."))

    assert [frame["session"]["instructions"] for frame in talk.sent] == ["Be long.", "Be brief."]


def test_older_instructions_that_did_not_go_out_do_not_replace_newer_ones() -> None:
    talk = Talk(road="held")
    talk(claim(Verb.INSTRUCT, "Be long.", OTHER), claim(Verb.INSTRUCT, "Be brief."))
    older, newer = talk.outgoing

    talk(unsent(older), inputs.Sent(newer), events.SessionReported(INSTRUCTED, updated=True))

    settled = {change.command_id: (change.state, change.detail) for change in talk.of(CommandChanged)}
    assert settled[OTHER] == (CommandState.REFUSED, "Nothing was sent: newer instructions are in force.")
    assert settled[COMMAND][0] is CommandState.CONFIRMED


def test_a_new_line_waits_for_word_of_what_is_in_hand() -> None:
    talk = Talk(road="held")

    talk(claim(Verb.SAY, "Hold on."), inputs.Detached(1006), inputs.Attached())

    assert len(talk.sent) == 1


@pytest.mark.parametrize("word", [inputs.Sent, unsent])
def test_a_word_about_what_is_settled_changes_nothing(word: type[inputs.Sent]) -> None:
    talk = Talk(road="held")
    talk(claim(Verb.INFORM, "VIP"))
    talk.tick(10)
    assert talk.commands == ["not_confirmed"]

    talk(word(talk.outgoing[0]), word(SendEvent({"type": "conversation.item.retrieve"})))

    assert talk.commands == ["not_confirmed"]


def test_a_lone_surrogate_or_nul_in_the_operators_words_can_be_sent() -> None:
    talk = Talk()

    talk(claim(Verb.INFORM, "a\0b\ud800"))

    assert talk.sent[0]["item"]["content"][0]["text"] == "ab?"


def test_the_command_notes_the_last_turn_when_it_was_sent() -> None:
    talk = Talk()
    talk(*utterance("item_u", None))

    talk(claim(Verb.HANG_UP))

    assert talk.of(CommandChanged)[0].after_item_id == "item_u"
