"""What is read of a dead worker's spool, and each way in which its heirs may fail it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from calls.actions.ingest import Batch, CallRef
from calls.domain.changes import Transcription, Turn, TurnChanged, UsageRecorded
from calls.sideband import records
from tests.faults import spools
from tests.faults.histories import Histories, Ledger, Row, Stored

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CALL = 7


def line(number: int = 3, text: str = "Hello.", transcription: Transcription = "completed") -> bytes:
    """A group as a worker writes it: a turn, a bill, and when the call was last heard."""
    ref = CallRef(CALL, UUID(int=1), UUID(int=2), "e", 1, True)
    turn = Turn("item_1", 1.0, "message", "agent", "completed", NOON, NOON, text=text, transcription=transcription)
    bill = UsageRecorded("response", "resp_1", NOON, "m", None, None, True)
    batch = Batch(ref, [TurnChanged(turn, NOON), bill], {"last_event_at": NOON}, 3)
    return b"%020d" % number + records.dump([batch]) + b"\n"


def heirs() -> tuple[Histories, list[Row]]:
    """What they made of it."""
    stored = Stored(
        calls={"rtc": {"id": CALL}},
        turns=[{"call_id": "rtc", "item_id": "item_1", "status": "completed", "text": "Hello."}],
        usage=[{"call_id": "rtc", "response_id": "resp_1", "item_id": None}],
        gaps=[{"call_id": "rtc", "started_at": NOON, "ended_at": NOON + timedelta(seconds=9), "cause": "owner_lost"}],
    )
    told = [{"call": CALL, "kind": kind, "ref": ref, "times": 1} for kind, ref in (("turn", "item_1"), ("usage", "r"))]
    return Histories(["rtc"], {}, {}, Ledger(), stored, [], []), told


def test_a_line_that_was_cut_short_says_nothing():
    left = spools.read([line(), line()[:-9]])
    assert left.turns == {(CALL, "item_1"): "Hello."}
    assert left.bills == {(CALL, "resp_1")}
    assert left.heard_at == {CALL: NOON.timestamp()}
    assert spools.read([line()[:-1]]).facts == 0


def test_what_a_later_group_says_holds_wherever_it_stands():
    assert spools.read([line(), line(2, "Hel")]).turns == {(CALL, "item_1"): "Hello."}
    assert spools.read([line(text="", transcription="pending")]).turns == {}


def test_heirs_who_stored_all_of_it_once():
    assert list(spools.not_inherited(spools.read([line()]), *heirs())) == []


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (lambda h, told: h.stored.turns.clear(), "not stored"),
        (lambda h, told: h.stored.turns[0].update(text="Hallo."), "was in the spool"),
        (lambda h, told: h.stored.turns[0].update(status="incomplete"), "is incomplete"),
        (lambda h, told: h.stored.usage.clear(), "stored 0 times"),
        (lambda h, told: h.stored.usage.append(h.stored.usage[0]), "stored 2 times"),
        (lambda h, told: told[0].update(times=2), "told 2 times"),
        (lambda h, told: h.stored.gaps[0].update(started_at=NOON - timedelta(seconds=20)), "begins 20.0 s before"),
    ],
)
def test_each_way_of_losing_or_doubling_it_is_found(breaks: Callable[..., object], words: str):
    histories, told = copy.deepcopy(heirs())
    breaks(histories, told)
    [wrong] = spools.not_inherited(spools.read([line()]), histories, told)
    assert words in wrong


def test_what_was_shed_is_counted_and_in_a_gap_of_that_cause():
    shed = {"cause": "not_stored"}
    assert list(spools.shed_unmarked(3, [shed])) == []
    assert len(list(spools.shed_unmarked(0, [shed]))) == 1
    assert len(list(spools.shed_unmarked(3, []))) == 1
    assert len(list(spools.shed_unmarked(3, [shed, {"cause": "owner_lost"}]))) == 1
