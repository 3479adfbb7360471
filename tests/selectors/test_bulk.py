"""Bulk rows agree with the rows of the command line, and need little memory."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.domain.events import Tokens
from calls.domain.periods import ALWAYS, Period
from calls.domain.prices import FEMTO, TOKEN_BUCKETS, PriceList, Used, charge
from calls.selectors import bulk, exports
from calls.tenancy import tenant_scope
from tests import factories
from tests.factories import NOON


@pytest.fixture
def call(acme):
    call = factories.make_call(acme, agent=factories.make_agent(acme))
    factories.make_turn(call)
    factories.make_turn(call, speaker="agent", transcription="pending")
    factories.make_usage(call)
    factories.make_usage(call, kind="transcription", model="whisper-1", seconds=Decimal("1.5"))
    return call


@pytest.fixture
def over(acme):
    """A call that is over, with a turn for each state that a transcription may be in."""
    over = factories.make_call(acme, call_id="rtc_over", started_at=NOON - timedelta(hours=1), ended_at=NOON)
    for transcription in (None, "pending", "completed", "failed", "missing"):
        factories.make_turn(over, transcription=transcription)
    return over


def _rows(kind, period=ALWAYS, *, reveal=True):
    names = [column.name for column in bulk.COLUMNS[kind]]
    return [dict(zip(names, row, strict=True)) for batch in bulk.batches(kind, period, reveal=reveal) for row in batch]


@pytest.mark.parametrize("kind", ["calls", "transcripts", "usage"])
@pytest.mark.parametrize("reveal", [True, False])
def test_rows_are_those_of_the_command_line(acme, call, over, kind, reveal):
    with tenant_scope(acme.id):
        plain = [
            {name: str(value) for name, value in row.items() if not name.endswith("_at")}
            for row in exports.rows(kind, ALWAYS, reveal=reveal)
        ]
        found = [
            {name: str(float(value) if name == "seconds" and value else value) for name, value in row.items() if not name.endswith("_at")}
            for row in _rows(kind, reveal=reveal)
        ]  # fmt: skip
    assert found == plain
    assert len(found) == {"calls": 2, "transcripts": 7, "usage": 2}[kind]


@pytest.mark.parametrize("kind", bulk.COLUMNS)
def test_rows_are_counted_and_a_period_has_two_ends(acme, globex, call, kind):
    with tenant_scope(acme.id):
        count = bulk.count(kind, ALWAYS)
        assert count == len(_rows(kind)) > 0
        assert bulk.count(kind, Period(NOON + timedelta(hours=1))) == 0
        assert _rows(kind, Period(None, NOON)) == []
    with tenant_scope(globex.id):
        assert bulk.count(kind, ALWAYS) == 0
        assert _rows(kind) == []


COUNTS = st.integers(0, 10**10)
PRICES = st.decimals(0, 10**5, places=6)


@given(
    st.lists(COUNTS, min_size=8, max_size=8), st.decimals(0, 10**6, places=3), st.lists(PRICES, min_size=9, max_size=9)
)
def test_whole_numbers_charge_as_decimals_do(tokens, seconds, amounts):
    price = PriceList("m", NOON.date(), dict(zip(TOKEN_BUCKETS, amounts, strict=False)), amounts[-1])
    whole = sum(n * unit for n, unit in zip((*tokens, int(seconds * 1000)), price.femto, strict=True))
    found = charge(Used(tuple(tokens), seconds), price)
    assert Decimal(whole).scaleb(FEMTO) == found.total


def test_cached_tokens_leave_the_fresh_ones(acme, call):
    with tenant_scope(acme.id):
        row = _rows("charges")[0]
    assert (row["fresh_text_tokens"], row["cached_text_tokens"]) == (36, 64)
    assert Used.of(Tokens(input_text=100, cached_text=64)).tokens[0] == 36


def test_memory_stays_flat_however_many_rows_there_are(committed_db, acme):
    """Committed, since a server-side cursor is what is under test."""
    bill = factories.make_usage(factories.make_call(acme))
    factories.make_copies(bill, 29_999, ref_id="n", input_text="n")
    tracemalloc.start()
    try:
        with tenant_scope(acme.id):
            assert sum(len(batch) for batch in bulk.batches("charges", ALWAYS, reveal=False)) == 30_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 25_000_000  # 5,000 rows at a time; all of them would take 60 MB
