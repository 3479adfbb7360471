"""The history: each filter, the pages, the figures of a row, and what the rival sees of it: nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from calls.domain.filters import Filters, Mark, Outcome
from calls.domain.periods import Period
from calls.exceptions import InvalidInput, TooWide
from calls.selectors import history
from calls.selectors.limits import in_time
from calls.tenancy import tenant_scope
from tests import factories
from tests.factories import NOON


@pytest.fixture
def account(acme):
    return factories.make_account(acme)


def call(acme, account, minute=0, *, seconds=None, **fields):
    started = NOON + timedelta(minutes=minute)
    if seconds is not None:
        fields |= {"answered_at": started, "ended_at": started + timedelta(seconds=seconds)}
        fields.setdefault("state", "ended")
    return factories.make_call(acme, account=account, call_id=f"rtc_at_{minute}", **{"started_at": started} | fields)


def found(tenant, *, reveal=True, before=None, after=None, limit=50, **filters):
    with tenant_scope(tenant.id):
        return history.page(Filters(**filters), reveal=reveal, limit=limit, before=before, after=after)


def minutes(page):
    return [int(row["call_id"].rsplit("_", 1)[1]) for row in page.rows]


def test_states_are_those_of_the_badge(acme, account):
    for minute, (state, reason) in enumerate(
        [
            ("active", ""),
            ("ended", "hung_up"),
            ("ended", "not_accepted"),
            ("lost", ""),
            ("refused", "busy"),
            ("missed", "too_old"),
        ]
    ):
        call(acme, account, minute, state=state, end_reason=reason)
    expected = {Outcome.LIVE: [0], Outcome.ENDED: [1], Outcome.FAILED: [3, 2], Outcome.REFUSED: [4], Outcome.MISSED: [5]}  # fmt: skip
    assert {one: minutes(found(acme, outcome=one)) for one in Outcome} == expected
    assert minutes(found(acme, reason="busy")) == [4]
    assert minutes(found(acme, reason="busy", outcome=Outcome.ENDED)) == []


def test_agent_and_version(acme, account):
    nora, theo = factories.make_agent(acme, name="Nora"), factories.make_agent(acme, name="Theo")
    call(acme, account, 0, agent=nora)
    factories.make_version(nora, "Newer.")
    call(acme, account, 1, agent=nora)
    call(acme, account, 2, agent=theo)
    assert minutes(found(acme, agent=nora.code)) == [1, 0]
    assert minutes(found(acme, agent=nora.code, version=2)) == [1]
    assert minutes(found(acme, version=1)) == [2, 0]
    with tenant_scope(acme.id):
        assert history.agents() == [(str(nora.code), "Nora"), (str(theo.code), "Theo")]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("+44 1632 960017", [2, 0]),
        ("+441632960018", [1]),
        ("960017", [2, 0]),
        ("0017", [2, 0]),
        ("example", [3]),
        ("[%_", []),
        ("'", []),
    ],
)
def test_a_part_of_a_number_for_those_who_see_it(acme, account, wanted, expected):
    for minute, number in enumerate(["+441632960017", "+441632960018", "sip:+441632960017@x", "sip:ann@example.com"]):
        call(acme, account, minute, from_number=number, to_number=number)
    assert minutes(found(acme, caller=wanted)) == expected
    assert minutes(found(acme, dialled=wanted, reveal=False)) == expected


def test_others_ask_by_the_four_digits_that_they_see_and_learn_no_more(acme, account):
    for minute, number in enumerate(["+441632960017", "sip:1632960017@10.0.0.1", "120017", "sip:ann0017@x", "+44170017001"]):  # fmt: skip
        call(acme, account, minute, from_number=number)
    page = found(acme, reveal=False, caller="0017")
    assert minutes(page) == [1, 0]
    assert all(row["from"].endswith("•••• 0017") for row in page.rows)
    for wanted in ("441632", "001", "17", "+0017", "00 17", "٠٠١٧", "10017"):
        with pytest.raises(InvalidInput) as raised:
            found(acme, reveal=False, caller=wanted)
        assert raised.value.field == "caller"


def test_length_is_from_answer_to_end_and_live_calls_have_none(acme, account):
    call(acme, account, 0, seconds=89.9)
    call(acme, account, 1, seconds=90.5)
    call(acme, account, 2, seconds=600)
    call(acme, account, 3)
    assert minutes(found(acme, shortest=90)) == [2, 1]
    assert minutes(found(acme, longest=90)) == [1, 0]
    assert minutes(found(acme, shortest=90, longest=90)) == [1]


def test_the_time_of_the_beginning(acme, account):
    for minute in range(3):
        call(acme, account, minute)
    period = Period(NOON + timedelta(minutes=1), NOON + timedelta(minutes=2))
    assert minutes(found(acme, period=period)) == [1]


def test_what_stands_out(acme, account):
    cut, gap, _, incomplete = (call(acme, account, n, usage_incomplete=n == 3) for n in range(4))
    factories.make_turn(cut, speaker="agent", status="cut_off", reply_ms=900)
    factories.make_turn(cut, speaker="agent", reply_ms=500)
    factories.make_turn(cut, speaker="agent", reply_ms=700)
    factories.make_turn(cut, "", kind="tool_call", speaker="agent")
    factories.make_gap(gap)
    assert minutes(found(acme, mark=Mark.INTERRUPTED)) == [0]
    call(acme, account, 4, tool_failed_at=NOON)
    call(acme, account, 5, asked_for_person_at=NOON)
    assert minutes(found(acme, mark=Mark.TOOL_FAILED)) == [4]
    assert minutes(found(acme, mark=Mark.ASKED)) == [5]
    assert minutes(found(acme, mark=Mark.GAP)) == [1]
    assert minutes(found(acme, mark=Mark.INCOMPLETE)) == [3]
    rows = found(acme).rows[::-1]
    assert [(row["turns"], row["interruptions"], row["reply_p50_ms"], row["gap"]) for row in rows[:2]] == [(3, 1, 700, False), (0, 0, None, True)]  # fmt: skip
    assert incomplete.usage_incomplete


def test_pages_stay_the_same_while_calls_come_in_and_lead_both_ways(acme, account):
    for minute in range(7):
        call(acme, account, minute, started_at=NOON + timedelta(minutes=minute // 2))
    first = found(acme, limit=3)
    assert (minutes(first), first.newer) == ([6, 5, 4], None)
    second = found(acme, limit=3, before=first.older)
    call(acme, account, 9)
    assert found(acme, limit=3, before=first.older).rows == second.rows
    assert minutes(second) == [3, 2, 1]
    last = found(acme, limit=3, before=second.older)
    assert (minutes(last), last.older) == ([0], None)
    back = found(acme, limit=3, after=last.newer)
    assert minutes(back) == [3, 2, 1]
    assert back.older and back.newer
    # Where less than a page is newer, the newest page is shown.
    assert minutes(found(acme, limit=3, after=second.rows and first.older)) == [9, 6, 5]


@pytest.mark.parametrize("cursor", ["nonsense", "2026-11-20T12:00:00_1", "x_1", "2026-11-20T12:00:00+00:00_-1", f"2026-11-20T12:00:00+00:00_{2**70}"])  # fmt: skip
def test_only_places_that_we_gave_are_taken(acme, cursor):
    with pytest.raises(InvalidInput):
        found(acme, before=cursor)


def test_the_filter_that_hides_everything_is_named(acme, account):
    call(acme, account, 0, end_reason="hung_up", state="ended")
    filters = Filters(outcome=Outcome.ENDED, reason="busy", dialled="800")
    with tenant_scope(acme.id):
        assert history.in_the_way(filters, reveal=True) == ["reason"]
        assert history.in_the_way(Filters(reason="busy"), reveal=True) == []
        assert history.in_the_way(filters.without("dialled").without("outcome").without("reason"), reveal=True) == []


def test_a_question_that_takes_too_long_leaves_the_request_alive(acme, account):
    call(acme, account, 0)
    with tenant_scope(acme.id):
        with pytest.raises(TooWide), in_time(20), connection.cursor() as cursor:
            cursor.execute("select pg_sleep(5)")
        assert len(history.page(Filters(), reveal=True, limit=5).rows) == 1
        with connection.cursor() as cursor:
            cursor.execute("show statement_timeout")
            assert cursor.fetchone() == ("5s",)


def test_the_rival_sees_nothing(acme, globex, account):
    agent = factories.make_agent(acme, name="Nora")
    theirs = call(acme, account, 0, agent=agent)
    assert found(globex).rows == []
    assert found(globex, agent=agent.code).rows == []
    cursor = f"{(theirs.started_at + timedelta(days=1)).isoformat()}_{theirs.pk}"
    assert found(globex, before=cursor).rows == []
    with tenant_scope(globex.id):
        assert history.agents() == []
        assert history.webhook_tokens() == []


def test_webhook_addresses_end_as_the_account_says(acme, account):
    with tenant_scope(acme.id):
        assert history.webhook_tokens() == [account.path_token]
