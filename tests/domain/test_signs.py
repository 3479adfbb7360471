"""What a session shows that may need a person."""

from __future__ import annotations

from dataclasses import replace

from calls.domain import events
from calls.domain.changes import (
    CallStateChanged,
    CommandChanged,
    NoteAdded,
    PartialText,
    QuietChanged,
    Signs,
    SignsChanged,
    Turn,
    TurnChanged,
)
from calls.domain.signs import Lookout
from calls.domain.states import CallState, CommandState
from tests.domain.talk import COMMAND, START, Talk, agent_item, created, done, utterance, words

ASKING = "Can I speak to a human?"


def turn(text="", **fields):
    known = {"kind": "message", "speaker": "caller", "status": "completed", "transcription": "completed"}
    return TurnChanged(Turn("i1", 1.0, started_at=START, text=text, **{**known, **fields}), START)


def output(text, item_id="o1", **fields):
    return TurnChanged(Turn(item_id, 2.0, "tool_output", "system", "completed", START, output=text, **fields), START)


def seen(*changes, signs=None):
    lookout = Lookout(signs or Signs())
    lookout.look(changes, START)
    return lookout.signs


def test_nothing_is_told_where_nothing_is_seen():
    lookout = Lookout()
    assert lookout.look((turn("Hello."), NoteAdded("keypad", START, {"key": "1"})), START) is None
    assert lookout.look((CallStateChanged(CallState.ENDED, START),), START) is None


def test_final_words_of_the_caller_are_read_once():
    lookout = Lookout()
    assert lookout.look((turn(ASKING),), START) == SignsChanged(Signs(asked_for_person_at=START), START)
    assert lookout.look((turn(ASKING, status="completed"),), START.replace(minute=9)) is None


def test_other_words_are_not_read():
    assert seen(turn(ASKING, speaker="agent")) == Signs()
    assert seen(turn(ASKING, status="open")) == Signs()
    assert seen(turn(ASKING, status="deleted")) == Signs()
    assert seen(turn(ASKING, transcription="pending")) == Signs()
    assert seen(PartialText("i1", 1.0, "caller", 0, ASKING)) == Signs()


def test_a_tool_that_failed_is_forgotten_once_one_works():
    failed = seen(output('{"error": "timed out"}'))
    assert failed == Signs(tool_failed_at=START)
    assert seen(output('{"total": 1}', "o2"), signs=failed) == Signs()
    assert seen(NoteAdded("provider_error", START, {"type": "tool_failed"})) == failed
    assert seen(TurnChanged(Turn("t", 1.0, "tool_call", "agent", "incomplete", START, output="no"), START)) == failed


def test_a_tool_call_that_was_cut_off_did_not_fail():
    assert seen(TurnChanged(Turn("t", 1.0, "tool_call", "agent", "incomplete", START), START)) == Signs()


def test_interruptions_by_the_caller_count():
    by = [NoteAdded("interrupted", START, {"by": who}) for who in ("caller", "operator", "application", "caller")]
    assert seen(*by) == Signs(interruptions=2, interrupted_at=START)


def test_commands_help_or_stay_unconfirmed():
    unsure = seen(CommandChanged(COMMAND, CommandState.NOT_CONFIRMED, START))
    assert unsure == Signs(unconfirmed_at=START)
    assert seen(CommandChanged(COMMAND, CommandState.CONFIRMED, START), signs=unsure) == Signs(helped_at=START)
    assert seen(CommandChanged(COMMAND, CommandState.SENT, START)) == Signs()


def test_a_session_tells_them_once_and_goes_on_from_a_former_owners():
    talk = Talk(signs=Signs(interruptions=4))
    talk(*utterance("i1", None), *words("i1", ASKING))
    [told] = talk.of(SignsChanged)
    assert told.signs == Signs(interruptions=4, asked_for_person_at=told.at)
    talk(*utterance("i2", "i1"), *words("i2", "Thank you."))
    assert len(talk.of(SignsChanged)) == 1


def test_an_interruption_is_seen_by_a_session():
    talk = Talk()
    talk(created("r1"), events.OutputItemAdded("r1", agent_item("a1")), events.PlaybackStarted("r1"))
    talk(events.OutputDelta("r1", "a1", 0, "There are several ways to pay, and"))
    talk(events.SpeechStarted("i2", 10), events.PlaybackCleared("r1"), done("r1", status="cancelled"))
    assert [change.signs.interruptions for change in talk.of(SignsChanged)] == [1]


def test_quiet_is_told_when_it_begins_and_when_it_ends():
    talk = Talk()
    talk(*utterance("i1", None))
    talk(created("r1"), events.OutputItemAdded("r1", agent_item("a1")))
    silent = [change.since is not None for change in talk.of(QuietChanged)]
    assert silent == [False, True], "a model at work is silence to the caller"
    talk(events.PlaybackStarted("r1"))
    assert talk.of(QuietChanged)[-1].since is None
    talk(events.PlaybackStopped("r1"))
    assert talk.of(QuietChanged)[-1].since == talk.at


def test_signs_are_plain_values():
    assert replace(Signs(), interruptions=1) == Signs(1)
