"""What proves a change of settings and a sign of life, and what does not."""

from __future__ import annotations

import pytest

from calls.domain import events, inputs
from calls.domain.changes import CommandChanged
from calls.domain.commands import Command, Verb
from calls.domain.proofs import contains
from calls.domain.states import CommandState
from tests.domain.talk import COMMAND, FIRST, HEX, OTHER, SECOND, Talk, claim, fault, reply

SLOWER = {"audio": {"output": {"speed": 0.9}}}
SEMANTIC = {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}


def change(settings, command_id=COMMAND):
    return inputs.CommandClaimed(Command(command_id, Verb.SESSION, settings=settings))


def updated(audio, **rest):
    return events.SessionReported({"model": "gpt-realtime-2.1", "audio": audio, **rest}, updated=True)


def test_a_change_of_settings_is_proven_by_the_session_that_has_them() -> None:
    talk = Talk()
    talk(change(SLOWER))
    assert talk.sent == [
        {"type": "session.update", "event_id": FIRST, "session": {"type": "realtime", **SLOWER}},
    ]

    talk(updated({"output": {"speed": 1.0, "voice": "marin"}}))
    assert talk.commands == ["sent"]
    talk(updated({"output": {"speed": 0.9, "voice": "marin"}, "input": {}}))

    assert talk.commands == ["sent", "confirmed"]
    assert talk.of(CommandChanged)[-1].detail == "session.updated"


def test_a_session_that_was_created_proves_no_change() -> None:
    talk = Talk()
    talk(change(SLOWER), events.SessionReported(SLOWER, updated=False))
    assert talk.commands == ["sent"]


def test_what_the_provider_completes_does_not_hide_the_proof() -> None:
    talk = Talk()
    talk(change(SEMANTIC))
    talk(updated({"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "auto"}}}))
    assert talk.commands == ["sent", "confirmed"]


def test_two_changes_are_proven_each_by_its_own_fields() -> None:
    talk = Talk()
    talk(change(SLOWER), change(SEMANTIC, OTHER))
    talk(updated({"output": {"speed": 0.9}, "input": {"turn_detection": {"type": "server_vad"}}}))
    told = {one.command_id: one.state for one in talk.of(CommandChanged)}
    assert told == {COMMAND: CommandState.CONFIRMED, OTHER: CommandState.SENT}


def test_a_change_of_settings_is_refused_in_the_words_of_the_provider() -> None:
    talk = Talk()
    words = "Cannot update a conversation's voice if assistant audio is present."
    talk(change({"audio": {"output": {"voice": "ash"}}}), fault("cannot_update_voice", message=words))
    assert talk.commands == ["sent", "refused"]
    assert talk.of(CommandChanged)[-1].detail == words


@pytest.mark.parametrize("one", [change(SLOWER), claim(Verb.PROBE)], ids=["session", "probe"])
def test_it_is_repeated_over_a_new_line(one) -> None:
    talk = Talk()
    talk(one, inputs.Detached(1006))
    talk(inputs.Attached())
    assert [frame["event_id"] for frame in talk.sent] == [FIRST, SECOND]


def test_a_probe_asks_for_the_latest_item_without_sound_and_is_proven_by_it() -> None:
    talk = Talk()
    talk(claim(Verb.INFORM, "VIP", OTHER))
    own = events.Item(OTHER.hex, "message", "system", "completed", (events.Content("text", "VIP"),))
    talk(events.ItemAdded(own, None), *reply("resp_1", "item_a", OTHER.hex, "Hello."))
    talk.outgoing.clear()

    talk(claim(Verb.PROBE))
    assert talk.sent == [{"type": "conversation.item.retrieve", "event_id": FIRST, "item_id": OTHER.hex}]
    before = talk.turns
    talk(events.ItemRetrieved(events.Item("item_a", "message", "assistant", "completed")))
    assert talk.of(CommandChanged)[-1].state is CommandState.SENT
    talk(events.ItemRetrieved(own))

    assert (talk.of(CommandChanged)[-1].state, talk.of(CommandChanged)[-1].detail) == (
        CommandState.CONFIRMED,
        "conversation.item.retrieved",
    )
    assert talk.turns == before


def test_a_probe_without_such_an_item_asks_for_one_that_cannot_be_and_the_refusal_proves_it() -> None:
    talk = Talk()
    talk(*reply("resp_1", "item_a", None, "Hello."))
    talk(claim(Verb.PROBE))
    assert talk.sent[-1]["item_id"] == HEX

    talk(fault("item_not_found"))

    assert talk.commands == ["sent", "confirmed"]
    assert talk.notes == [], "an answer that was wanted is no error of the call's"


def test_a_probe_that_nobody_answers_is_not_confirmed() -> None:
    talk = Talk()
    talk(claim(Verb.PROBE))
    talk.tick(11)
    assert talk.commands == ["sent", "not_confirmed"]


@pytest.mark.parametrize(
    ("effective", "wanted", "held"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1.0}, {"a": 1}, True),
        ({"a": {"b": None}}, {"a": {"b": None}}, True),
        ({}, {"a": None}, True),
        ({"a": None}, {"a": {}}, False),
        ({"a": [1, 2]}, {"a": [1]}, False),
        (None, {"a": 1}, False),
        ({"a": 2}, {"a": 1}, False),
    ],
)
def test_what_is_in_force(effective, wanted, held) -> None:
    assert contains(effective, wanted) is held
