"""The comparison finds every kind of planted difference, and is not content with nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from calls.simulator.compare import BUCKETS, Report, compare, instant, number

NOON = 1_700_000_000.0


def turn(item_id: str, **more: Any) -> dict[str, Any]:
    return {
        "item_id": item_id, "kind": "message", "speaker": "agent", "text": f"words of {item_id}",
        "heard_ms": None, "name": None, "arguments": None, "output": None, "deleted": False,
        "transcription": None,
        "started_at": NOON, "final_at": NOON + 1, "added_seen": True, "final_seen": True, **more,
    }  # fmt: skip


def cost(response_id: str, **more: Any) -> dict[str, Any]:
    tokens = dict.fromkeys(BUCKETS, 3)
    return {"response_id": response_id, "status": "completed", "at": NOON + 2, "seen": True, **tokens, **more}


def truth() -> dict[str, Any]:
    return {
        "call_id": "rtc_1",
        "from": "+447700900001",
        "to": "+442079460001",
        "outcome": "caller_hang_up",
        "accepts": 1,
        "turns": [turn("a"), turn("u", speaker="caller", transcription="completed"), turn("b", heard_ms=500)],
        "responses": [cost("resp_1"), cost("resp_2")],
        "unfinished": ["resp_3"],
        "transcriptions": [
            {"item_id": "u", "at": NOON, "seen": True, "seconds": 3, "input_tokens": 0, "output_tokens": 0}
        ],
    }


class Export:
    """A faithful export of the truth, to be spoilt."""

    def __init__(self) -> None:
        self.truth = truth()
        self.calls = [{"call_id": "rtc_1", "state": "ended", "from": "+44 7700 900001", "to": "sip:+442079460001@x"}]
        self.turns = [
            {
                "call_id": "rtc_1", "item_id": one["item_id"], "position": n, "speaker": one["speaker"],
                "text": one["text"], "heard_text": "words…" if one["heard_ms"] else None, "name": None,
                "arguments": "", "output": "", "status": "complete", "transcription": one["transcription"],
            }
            for n, one in enumerate(self.truth["turns"])
        ]  # fmt: skip
        self.usage: list[dict[str, Any]] = [
            {
                "call_id": "rtc_1", "kind": "response", "response_id": one["response_id"], "item_id": None,
                "state": "complete", **{column: one[bucket] for bucket, column in BUCKETS.items()},
            }
            for one in self.truth["responses"]
        ]  # fmt: skip
        self.usage.append(
            {"call_id": "rtc_1", "kind": "transcription", "item_id": "u", "state": "complete", "seconds": "3"}
        )
        self.gaps: list[dict[str, Any]] = []

    def compared(self) -> Report:
        return compare([self.truth], self.calls, self.turns, self.usage, self.gaps)

    def kinds(self) -> set[str]:
        return {difference.kind for difference in self.compared().differences}


def test_a_faithful_export_has_no_difference_and_is_counted() -> None:
    report = Export().compared()
    assert report.ok, report.differences
    assert report.summary()["compared"] == {
        "calls": 1, "turns": 3, "responses": 2, "transcriptions": 1, "tokens": 48,
    }  # fmt: skip


def test_comparing_nothing_is_a_failure() -> None:
    report = compare([], [], [], [], [])
    assert not report.ok
    assert [difference.about for difference in report.differences] == ["calls", "turns", "responses"]


def test_a_call_that_was_never_accepted_is_not_compared() -> None:
    export = Export()
    export.truth["accepts"] = 0
    assert "nothing_compared" in export.kinds()


Spoil = Callable[[Export], object]


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda e: e.calls.clear(), "missing_call"),
        (lambda e: e.calls.append(copy.deepcopy(e.calls[0])), "duplicate_call"),
        (lambda e: e.calls.append({"call_id": "rtc_2", "state": "ended"}), "unknown_call"),
        (lambda e: e.calls[0].update(state="active"), "call_not_ended"),
        (lambda e: e.calls[0].update({"from": "+1"}), "other_number"),
        (lambda e: e.truth.update(accepts=2), "accepted_twice"),
        (lambda e: e.turns.pop(0), "missing_turn"),
        (lambda e: e.turns.append({**e.turns[0], "position": 9}), "duplicate_turn"),
        (lambda e: e.turns.append({**e.turns[0], "item_id": "ghost"}), "invented_turn"),
        (lambda e: e.turns[0].update(position=9), "other_order"),
        (lambda e: e.turns[1].update(text="words of"), "other_text"),
        (lambda e: e.turns[1].update(speaker="agent"), "other_speaker"),
        (lambda e: e.turns[1].update(arguments="{}"), "other_arguments"),
        (lambda e: e.turns[2].update(heard_text="other words"), "other_heard_text"),
        (lambda e: e.usage.pop(0), "missing_usage"),
        (lambda e: e.usage.pop(), "missing_usage"),
        (lambda e: e.usage.append(e.usage[0]), "duplicate_usage"),
        (lambda e: e.usage.append({**e.usage[0], "response_id": "resp_9"}), "invented_usage"),
        (lambda e: e.usage[0].update(cached_audio_tokens=4), "other_tokens"),
        (lambda e: e.usage[0].update(state="incomplete", output_text_tokens=None), "missing_usage"),
        (lambda e: e.usage[2].update(seconds=4), "other_tokens"),
        (lambda e: e.truth["turns"][0].update(final_seen=False, text="never told"), "claimed_turn"),
        (lambda e: e.truth["responses"][0].update(seen=False, input_text=9), "claimed_usage"),
    ],
)
def test_a_planted_difference_is_found(spoil: Spoil, kind: str) -> None:
    export = Export()
    spoil(export)
    assert kind in export.kinds()


def test_a_turn_nobody_was_told_must_lie_in_a_gap_or_be_marked() -> None:
    export = Export()
    export.truth["turns"][0]["final_seen"] = False
    row = export.turns.pop(0)
    assert export.kinds() == {"loss_without_gap"}
    export.gaps = [{"call_id": "rtc_1", "started_at": NOON - 5, "ended_at": NOON + 5}]
    assert export.kinds() == set()
    export.gaps = [{"call_id": "rtc_1", "started_at": NOON + 500, "ended_at": None}]
    assert export.kinds() == {"loss_without_gap"}
    export.gaps = []
    export.turns.insert(0, {**row, "text": "wor", "status": "incomplete"})
    assert export.kinds() == set()


def test_a_turn_sent_to_a_dying_process_is_excused_by_its_gap() -> None:
    export = Export()
    del export.turns[0], export.usage[0]
    export.gaps = [{"call_id": "rtc_1", "started_at": "2023-11-14T22:13:20+00:00", "ended_at": NOON + 9}]
    report = export.compared()
    assert report.ok, report.differences
    assert report.compared["turns_lost_in_gaps"] == 1


def test_the_place_of_an_item_that_was_added_in_a_gap_is_not_known() -> None:
    export = Export()
    export.turns[0]["position"] = 9
    assert export.kinds() == {"other_order"}
    export.truth["turns"][0].update(started_at=NOON - 20)
    export.gaps = [{"call_id": "rtc_1", "started_at": NOON - 22, "ended_at": NOON - 18}]
    assert export.kinds() == set()
    export.gaps = [{"call_id": "rtc_1", "started_at": NOON - 42, "ended_at": NOON - 38}]
    assert export.kinds() == {"other_order"}


def test_usage_of_a_response_that_never_ended_may_be_stated_as_incomplete() -> None:
    export = Export()
    export.usage.append({"call_id": "rtc_1", "kind": "response", "response_id": "resp_3", "state": "incomplete"})
    assert export.kinds() == set()


def test_plain_values_come_in_many_forms() -> None:
    assert number("") == number(None) == 0
    assert number("4.50") == 4.5
    at = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert instant(at) == instant("2023-11-14T22:13:20Z") == instant("2023-11-14T22:13:20") == instant(NOON) == NOON
    assert instant(None) is None
