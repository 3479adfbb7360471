"""The order of the conversation."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from calls.domain import events
from calls.domain.changes import TurnChanged
from calls.domain.transcript import Transcript
from tests.domain.talk import START, Talk, agent_item, audio_item, opening, reply, utterance


def test_an_item_inserted_between_two_leaves_their_ranks_alone() -> None:
    talk = Talk()
    talk(events.ItemAdded(audio_item("a"), None), events.ItemAdded(audio_item("b"), "a"))
    before = {turn.item_id: turn.rank for turn in talk.turns}

    talk(events.ItemAdded(audio_item("between"), "a"))

    assert talk.order == ["a", "between", "b"]
    assert {turn.item_id: turn.rank for turn in talk.turns} | before == {turn.item_id: turn.rank for turn in talk.turns}


def test_speech_that_began_before_the_reply_it_follows_is_put_after_it() -> None:
    talk = Talk()
    talk(*reply("resp_1", "a", None, "One."), events.SpeechStarted("u", 0))

    talk(events.ItemAdded(agent_item("b"), "a"), events.AudioCommitted("u", "b"))

    assert talk.order == ["a", "b", "u"]


def test_an_unseen_predecessor_is_odd_and_finds_its_place_later() -> None:
    talk = Talk()
    talk(events.ItemAdded(audio_item("a"), None), events.ItemAdded(audio_item("c"), "b"))
    assert talk.session.oddities["unseen predecessor"] == 1

    talk(events.ItemAdded(audio_item("d"), "c"), events.ItemAdded(audio_item("b"), "a"))

    assert talk.order == ["a", "b", "c", "d"]


def test_a_null_predecessor_of_item_done_moves_nothing() -> None:
    talk = Talk()

    talk(*utterance("u", None), *reply("resp_1", "a", "u", "Hi."), events.ItemDone(audio_item("u"), None))

    assert talk.order == ["u", "a"]


def test_the_first_predecessor_told_stays() -> None:
    talk = Talk()

    talk(*(events.ItemAdded(audio_item(here), there) for here, there in (("a", None), ("b", "a"), ("c", "b"))))
    talk(events.ItemDone(audio_item("c"), "a"))

    assert talk.order == ["a", "b", "c"]


def test_a_circle_of_predecessors_is_survived() -> None:
    talk = Talk()

    talk(*(events.ItemAdded(audio_item(here), there) for here, there in ("ab", "bc", "ca", "dd", "ab")))

    assert sorted(talk.order) == ["a", "b", "c", "d"]


def test_a_turn_is_told_only_when_it_differs() -> None:
    talk = Talk()
    talk(*utterance("u", None))
    told = len(talk.of(TurnChanged))

    talk(*utterance("u", None))

    assert len(talk.of(TurnChanged)) == told


@settings(max_examples=150, deadline=None)
@given(st.permutations(range(8)), st.sets(st.integers(0, 7)))
def test_a_chain_is_in_order_however_its_items_arrive(arrival: list[int], heard_first: set[int]) -> None:
    transcript = Transcript()
    for number in sorted(heard_first):
        transcript.open(f"i{number}", START, "message", "caller")

    for number in arrival:
        draft = transcript.open(f"i{number}", START, "message", "caller")
        transcript.place(draft, f"i{number - 1}" if number else None)

    assert [draft.item_id for draft in transcript.ordered()] == [f"i{number}" for number in range(8)]
    ranks = [draft.rank for draft in transcript.ordered()]
    assert ranks == sorted(set(ranks))


def test_what_may_still_get_words_is_told_from_its_beginning() -> None:
    talk = Talk()
    talk(*reply("resp_1", "a", None, "One."), *utterance("u", "a"))
    assert talk.session.growing() == []

    talk(
        events.TranscriptionDelta("u", 0, "I would "),
        *opening("resp_2", "b", "u", ("Of ", "course")),
        events.TranscriptionDelta("u", 0, "like"),
    )

    growing = talk.session.growing()
    assert [(one.item_id, one.offset, one.text) for one in growing] == [("u", 0, "I would like"), ("b", 0, "Of course")]
    talk(events.TranscriptionCompleted("u", 0, "I would like to.", None, None))
    assert [one.item_id for one in talk.session.growing()] == ["b"]
