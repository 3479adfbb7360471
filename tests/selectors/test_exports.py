"""Rows of the exports: fields, order, period, and the rival's are never among them."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta

import pytest

from calls.domain.periods import ALWAYS, Period
from calls.exceptions import NotFound
from calls.selectors import exports
from calls.tenancy import tenant_scope
from tests import factories
from tests.factories import NOON

SECOND = timedelta(seconds=1)


@pytest.fixture
def call(acme):
    agent = factories.make_agent(acme, name="Reception")
    return factories.make_call(
        acme,
        agent=agent,
        call_id="rtc_1",
        from_number="+49301234567",
        to_number="+498001234",
        state="ended",
        end_reason="hung_up",
        ended_at=NOON + timedelta(minutes=1, milliseconds=7),
    )


def _rows(tenant, kind: str, period: Period = ALWAYS, *, reveal: bool = True) -> list[exports.Row]:
    with tenant_scope(tenant.id):
        rows = list(exports.rows(kind, period, reveal=reveal))
    assert all(tuple(row) == exports.FIELDS[kind] for row in rows)
    return rows


def test_a_call(acme, call):
    assert _rows(acme, "calls") == [
        {
            "call_id": "rtc_1",
            "state": "ended",
            "end_reason": "hung_up",
            "from": "+49301234567",
            "to": "+498001234",
            "agent": "Reception",
            "instruction_version": 1,
            "started_at": "2026-11-20T12:00:00.000Z",
            "answered_at": "2026-11-20T12:00:01.000Z",
            "ended_at": "2026-11-20T12:01:00.007Z",
        }
    ]


def test_what_a_call_lacks_is_none(acme):
    factories.make_call(acme, state="ringing", from_number="", to_number="")
    (row,) = _rows(acme, "calls")
    lacking = ("end_reason", "from", "to", "agent", "instruction_version", "answered_at", "ended_at")
    assert [row[name] for name in lacking] == [None] * len(lacking)


def test_numbers_are_masked_for_those_who_need_not_know_them(acme, call):
    (row,) = _rows(acme, "calls", reveal=False)
    assert row["from"] == "+49 •••• 4567"
    assert "1234567" not in str(row)


def test_turns_stand_in_the_order_of_their_conversation(acme, call):
    other = factories.make_call(acme, call_id="rtc_0", started_at=NOON - SECOND)
    factories.make_turn(call, "second", rank=2.5)
    factories.make_turn(other, "only")
    factories.make_turn(call, "third", rank=7)
    factories.make_turn(call, "first", rank=-1)
    found = [(row["call_id"], row["position"], row["text"]) for row in _rows(acme, "transcripts")]
    assert found == [
        ("rtc_0", 1, "only"),
        ("rtc_1", 1, "first"),
        ("rtc_1", 2, "second"),
        ("rtc_1", 3, "third"),
    ]


def test_turns_of_every_kind(acme, call):
    factories.make_turn(call, "Yes, of cou", speaker="agent", heard_text="Yes,", status="cut_off")
    factories.make_turn(call, "", speaker="agent", kind="tool_call", name="lookup", arguments="{}", transcription=None)
    factories.make_turn(call, "", speaker="system", kind="tool_output", output="42", transcription=None, ended_at=None)
    factories.make_turn(call, "", transcription="pending", status="open")
    factories.make_turn(call, "", transcription="failed")
    rows = _rows(acme, "transcripts")
    assert [row["heard_text"] for row in rows] == ["Yes,", None, None, None, None]
    assert [row["name"] for row in rows] == [None, "lookup", None, None, None]
    assert [row["arguments"] for row in rows] == [None, "{}", None, None, None]
    assert [row["output"] for row in rows] == [None, None, "42", None, None]
    assert [row["transcription"] for row in rows] == [None, None, None, "missing", "failed"]
    assert rows[2]["ended_at"] is None


def test_words_that_never_came_are_missing_when_the_call_is_over(acme):
    for call_id, ended_at in (("rtc_1", None), ("rtc_2", NOON)):
        call = factories.make_call(acme, call_id=call_id, ended_at=ended_at)
        factories.make_turn(call, "", transcription="pending", status="completed")
    assert [row["transcription"] for row in _rows(acme, "transcripts")] == [None, "missing"]


def test_usage(acme, call):
    factories.make_usage(call, ref_id="resp_1", input_image=5)
    factories.make_usage(
        call,
        kind="transcription",
        ref_id="item_1",
        model="",
        seconds="1.250",
        complete=False,
        at=call.started_at,
    )
    transcription, response = _rows(acme, "usage")
    assert response == {
        "call_id": "rtc_1",
        "kind": "response",
        "response_id": "resp_1",
        "item_id": None,
        "model": "gpt-realtime",
        "input_text_tokens": 100,
        "input_audio_tokens": 50,
        "input_image_tokens": 5,
        "cached_text_tokens": 64,
        "cached_audio_tokens": 0,
        "cached_image_tokens": 0,
        "output_text_tokens": 20,
        "output_audio_tokens": 80,
        "seconds": None,
        "state": "complete",
    }
    assert (transcription["response_id"], transcription["item_id"]) == (None, "item_1")
    assert (transcription["seconds"], transcription["state"], transcription["model"]) == (
        1.25,
        "incomplete",
        None,
    )


def test_gaps(acme, call):
    factories.make_gap(call, seconds=1.5)
    with tenant_scope(acme.id):
        assert list(exports.gaps(ALWAYS)) == [
            {
                "call_id": "rtc_1",
                "started_at": "2026-11-20T12:00:05.000Z",
                "ended_at": "2026-11-20T12:00:06.500Z",
                "cause": "socket_closed",
            }
        ]


@pytest.mark.parametrize("kind", [kind for kind in exports.FIELDS if kind != "charges"])
def test_a_period_counts_by_the_start_of_the_call(acme, call, kind):
    factories.make_turn(call)
    factories.make_usage(call)
    assert len(_rows(acme, kind, Period(NOON, NOON + SECOND))) == 1
    assert _rows(acme, kind, Period(NOON + SECOND, None)) == []
    assert _rows(acme, kind, Period(None, NOON)) == []


def test_charges_count_by_the_moment_of_the_bill(acme, call):
    factories.make_usage(call, at=NOON + 3 * SECOND)
    assert _rows(acme, "charges", Period(NOON, NOON + 3 * SECOND)) == []
    (row,) = _rows(acme, "charges", Period(NOON + 3 * SECOND, None))
    assert (row["at"], row["prices_from"], row["amount_usd"], row["certainty"]) == (
        "2026-11-20T12:00:03.000Z", "2025-08-28", "0.007209600000000", "exact",
    )  # fmt: skip


@pytest.mark.parametrize("kind", exports.FIELDS)
def test_the_rival_exports_nothing_of_ours(acme, globex, call, kind):
    factories.make_turn(call)
    factories.make_usage(call)
    assert _rows(globex, kind) == []


def test_an_unknown_tenant_is_not_found(db):
    with pytest.raises(NotFound, match="no tenant 'nobody'"):
        exports.tenant_named("nobody")


def test_memory_stays_flat_however_many_rows_there_are(committed_db, acme, call):
    """Committed, since a server-side cursor is what is under test."""
    turn = factories.make_turn(call, "x" * 200, rank=0.0)
    factories.make_copies(turn, 29_999, item_id="'i' || n", rank="n")
    tracemalloc.start()
    try:
        with tenant_scope(acme.id):
            assert sum(1 for _ in exports.transcripts(ALWAYS)) == 30_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12_000_000  # 2,000 rows at a time; all of them would take 60 MB
