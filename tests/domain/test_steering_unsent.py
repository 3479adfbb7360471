"""Commands that did not go out: tried again until their deadline, then refused as unsent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from calls.domain import events, inputs
from calls.domain.changes import CommandChanged, NoteAdded
from calls.domain.commands import Verb
from calls.domain.outgoing import Outgoing, SendEvent
from calls.domain.states import CommandState
from tests.domain.talk import (
    COMMAND,
    FIRST,
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
)

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
