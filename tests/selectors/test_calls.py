"""One call with everything in it, the history, and what follows a position in a call's stream."""

from __future__ import annotations

from datetime import timedelta

import pytest

from calls import feed
from calls.domain.redaction import mask_number
from calls.exceptions import InvalidInput, NotFound
from calls.selectors import calls
from calls.tenancy import tenant_scope
from tests import factories
from tests.factories import NOON


@pytest.fixture
def call(acme):
    return factories.make_call(acme, from_number="+4930901820")


def snapshot(call, *, reveal=True):
    with tenant_scope(call.tenant_id):
        return calls.snapshot(call.code, reveal=reveal)


def test_a_call_comes_with_everything_in_it(acme, sam, call):
    later = factories.make_turn(call, "Second.", rank=2.0)
    first = factories.make_turn(call, "First.", rank=1.0)
    factories.make_usage(call, ref_id="resp_1", seconds="2.500")
    factories.make_gap(call)
    asked = factories.make_command(call, text="She is a VIP.", by=sam.user)
    system = factories.make_command(call, verb="hang_up")
    factories.make_turn(factories.make_call(acme), "Another call's.")
    with tenant_scope(acme.id):
        feed.append_to_call(call, [("note", {"kind": "keypad", "at": "t", "body": {"key": "5"}}), ("call", {})])
    body = snapshot(call).body
    assert body["call"]["code"] == str(call.code)
    assert [turn["item_id"] for turn in body["turns"]] == [first.item_id, later.item_id]
    assert [(usage["ref_id"], usage["seconds"], usage["total"]) for usage in body["usage"]] == [("resp_1", 2.5, 250)]
    assert body["gaps"] == [
        {"started_at": "2026-11-20T12:00:05.000Z", "ended_at": "2026-11-20T12:00:07.000Z", "cause": "socket_closed"}
    ]
    assert [(row["id"], row["by"]) for row in body["commands"]] == [(str(asked.pk), "Sam"), (str(system.pk), "system")]
    assert body["notes"] == [{"seq": 1, "kind": "keypad", "at": "t", "body": {"key": "5"}}]


def test_the_snapshot_stands_at_the_calls_own_position(acme, call):
    with tenant_scope(acme.id):
        feed.append_to_call(call, [("note", {}), ("note", {})])
        feed.append_to_tenant([("call", {"code": "x"})])
    found = snapshot(call)
    assert (found.stream, found.seq) == (f"call:{call.code}", 2)


def test_the_number_is_masked_for_those_who_need_not_know_it(call):
    assert snapshot(call).body["call"]["from"] == "+4930901820"
    assert snapshot(call, reveal=False).body["call"]["from"] == mask_number("+4930901820")


def test_another_tenants_call_and_no_call_are_not_found_alike(acme, globex, call):
    nowhere = "00000000-0000-4000-8000-000000000000"
    with tenant_scope(globex.id):
        for code in (call.code, nowhere):
            for read in (calls.get, lambda code: calls.snapshot(code, reveal=True)):
                with pytest.raises(NotFound, match="no such call"):
                    read(code)
        assert calls.entries_after(call.code, 0, 10) == []


def test_entries_follow_a_position_in_order_up_to_a_limit(acme, call):
    with tenant_scope(acme.id):
        feed.append_to_call(call, [("note", {"n": number}) for number in range(5)])
        feed.append_to_call(factories.make_call(acme), [("note", {"n": "other"})])
        assert [entry["body"]["n"] for entry in calls.entries_after(call.code, 0, 100)] == [0, 1, 2, 3, 4]
        assert [entry["seq"] for entry in calls.entries_after(call.code, 2, 2)] == [3, 4]


def test_the_history_is_told_page_by_page_without_a_call_lost_or_twice(acme, globex):
    account = factories.make_account(acme)
    made = [
        factories.make_call(acme, account=account, started_at=NOON + timedelta(seconds=number // 3), state="ended")
        for number in range(10)
    ]
    factories.make_call(globex)
    told, cursor, pages = [], None, 0
    with tenant_scope(acme.id):
        while pages == 0 or cursor:
            page = calls.history(reveal=True, before=cursor, limit=3)
            told += [row["code"] for row in page.rows]
            cursor, pages = page.next, pages + 1
    assert told == [str(call.code) for call in reversed(made)]
    assert pages == 4


def test_a_full_last_page_has_no_next(acme):
    for _ in range(2):
        factories.make_call(acme)
    with tenant_scope(acme.id):
        assert calls.history(reveal=True, before=None, limit=2).next is None


@pytest.mark.parametrize("cursor", ["x", "_", "2026_1", "2026-11-20T12:00:00+00:00_x", "nonsense_1", "2026-11-20_1"])
def test_a_cursor_of_nobodys_making_is_refused(acme, cursor):
    with tenant_scope(acme.id), pytest.raises(InvalidInput) as refusal:
        calls.history(reveal=True, before=cursor, limit=5)
    assert refusal.value.field == "before"


def test_the_history_masks_numbers_too(acme, call):
    with tenant_scope(acme.id):
        assert "4930901820" not in str(calls.history(reveal=False, before=None, limit=5))
