"""A call played in no time: whole, true to the script, and dated to the past."""

from __future__ import annotations

import collections
from datetime import UTC, datetime, timedelta

import pytest

from calls.domain.changes import GapRecorded, TurnChanged, UsageRecorded
from calls.domain.states import CallState, EndReason
from calls.providers import session_body
from calls.simulator import scenarios
from realtime_ops.past import Script, play

NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)
BODY = session_body.build("gpt-realtime-2.1", "marin", "You are Nora.", {})


def _played(scenario: str, fate: str = "", seed: int = 5):
    return play(Script(scenario, seed, "+442079460100", "billing", BODY, "Greet the caller.", NINE, fate))


@pytest.mark.parametrize("scenario", scenarios.BY_NAME)
def test_every_scenario_comes_to_its_end_in_the_past(scenario):
    call = _played(scenario)
    assert call.end().state is CallState.ENDED
    assert timedelta(seconds=10) < call.end().at - NINE < timedelta(minutes=10)
    assert all(NINE <= change.at <= call.end().at for change in call.changes if isinstance(change, TurnChanged))
    turns = {change.turn.item_id: change.turn for change in call.changes if isinstance(change, TurnChanged)}
    assert not [turn for turn in turns.values() if turn.status == "open"]
    assert {"caller", "agent"} <= {turn.speaker for turn in turns.values() if turn.text}
    assert any(isinstance(change, UsageRecorded) and change.complete for change in call.changes)
    assert call.columns["oddities"] == 0


def test_the_same_seed_is_the_same_talk():
    def words(call):
        latest = {change.turn.item_id: change.turn.text for change in call.changes if isinstance(change, TurnChanged)}
        return list(latest.values())

    assert words(_played("long_chat")) == words(_played("long_chat"))
    assert words(_played("long_chat")) != words(_played("long_chat", seed=6))


def test_broken_sockets_leave_gaps():
    gaps = [change for change in _played("drop_and_resume").changes if isinstance(change, GapRecorded)]
    assert len(gaps) == 2


@pytest.mark.parametrize(("fate", "state"), [("missed", CallState.MISSED), ("lost", CallState.LOST)])
def test_calls_that_went_wrong(fate, state):
    end = _played("long_chat", fate).end()
    assert (end.state, end.reason) == (state, EndReason.PROVIDER_UNREACHABLE)


def test_signs_of_trouble_are_seen():
    kinds = collections.Counter(type(change).__name__ for change in _played("tool_failed").changes)
    assert kinds["SignsChanged"]
