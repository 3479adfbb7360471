"""The live page's rows, and what follows a position in the tenant's stream."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from calls import feed
from calls.domain.views import iso
from calls.models import Call, TenantStream
from calls.selectors import live
from calls.tenancy import tenant_scope
from tests import factories
from tests.factories import NOON
from tests.sideband.desk import as_owner


def rows(tenant, *, reveal=True):
    with tenant_scope(tenant.id):
        return live.snapshot(reveal=reveal).body["rows"]


@pytest.mark.parametrize("state", ["ringing", "accepted", "active", "transferring"])
def test_a_live_call_has_a_row_however_old_it_is(acme, state):
    call = factories.make_call(acme, state=state)
    [row] = rows(acme)
    assert (row["code"], row["state"], row["started_at"]) == (str(call.code), state, "2026-11-20T12:00:00.000Z")


@pytest.mark.parametrize("state", ["ended", "refused", "missed", "lost"])
def test_an_ended_call_keeps_its_row_for_a_while(acme, state):
    now = timezone.now()
    recent = factories.make_call(acme, state=state, ended_at=now - live.ENDED_STAYS + timedelta(seconds=10))
    factories.make_call(acme, state=state, ended_at=now - live.ENDED_STAYS - timedelta(seconds=1))
    assert [row["code"] for row in rows(acme)] == [str(recent.code)]


def test_rows_are_in_the_order_of_their_beginning(acme):
    calls = [factories.make_call(acme, started_at=NOON + timedelta(seconds=seconds)) for seconds in (5, 1, 3)]
    assert [row["code"] for row in rows(acme)] == [str(calls[place].code) for place in (1, 2, 0)]


def test_a_row_names_its_agent_and_version_where_there_are_any(acme):
    factories.make_call(acme, agent=factories.make_agent(acme, name="Nora"))
    factories.make_call(acme, started_at=NOON + timedelta(seconds=1))
    assert [(row["agent"], row["version"]) for row in rows(acme)] == [("Nora", 1), ("", None)]


@pytest.mark.parametrize("number", ["+4930901820", "sip:anna@example.com", ""])
def test_a_number_is_masked_alike_in_rows_and_in_entries(acme, number):
    factories.make_call(acme, from_number=number)
    [whole], [masked] = rows(acme), rows(acme, reveal=False)
    assert whole["from"] == number
    assert masked == live.masked(whole)
    assert number == "" or number not in str(masked)


def test_a_body_without_a_number_is_left_alone():
    assert live.masked({"code": "x", "state": "active"}) == {"code": "x", "state": "active"}


def test_other_tenants_have_rows_of_their_own(acme, globex):
    factories.make_call(globex)
    assert rows(acme) == []


def test_the_snapshot_stands_at_the_streams_position(acme):
    with tenant_scope(acme.id):
        for number in range(3):
            feed.append_to_tenant([("call", {"code": str(number)})])
        found = live.snapshot(reveal=True)
        assert (found.stream, found.epoch, found.seq) == ("tenant", str(TenantStream.objects.get().epoch), 3)


def test_entries_follow_a_position_in_order_up_to_a_limit(acme, globex):
    for tenant in (acme, globex):
        with tenant_scope(tenant.id):
            feed.append_to_tenant([("call", {"code": f"{tenant.slug} {number}"}) for number in range(5)])
    with tenant_scope(acme.id):
        assert [entry["seq"] for entry in live.entries_after(0, 100)] == [1, 2, 3, 4, 5]
        found = live.entries_after(2, 2)
        assert [(entry["seq"], entry["kind"], entry["body"]["code"]) for entry in found] == [
            (3, "call", "acme 2"), (4, "call", "acme 3"),
        ]  # fmt: skip
        assert live.entries_after(5, 100) == []


def test_a_wall_of_rows_costs_three_reads(acme, django_assert_num_queries):
    agent = factories.make_agent(acme)
    account = factories.make_account(acme)
    for _ in range(5):
        factories.make_call(acme, account=account, agent=agent)
    with tenant_scope(acme.id), django_assert_num_queries(3):
        assert len(live.snapshot(reveal=True).body["rows"]) == 5
    with tenant_scope(acme.id):
        assert Call.objects.count() == 5


def test_the_talk_of_the_last_minute_comes_along(acme, globex):
    now = timezone.now()
    ago = lambda seconds: now - timedelta(seconds=seconds)  # noqa: E731
    call, silent, theirs = (factories.make_call(tenant, started_at=ago(300)) for tenant in (acme, acme, globex))
    factories.make_turn(call, started_at=ago(100), ended_at=ago(61))
    factories.make_turn(call, started_at=ago(70), ended_at=ago(50))
    factories.make_turn(call, started_at=ago(40), ended_at=ago(30), speaker="agent")
    factories.make_turn(call, started_at=ago(20), ended_at=ago(20), kind="tool_call", speaker="agent")
    factories.make_turn(call, started_at=ago(9), ended_at=None, status="open")
    factories.make_turn(theirs, started_at=ago(9), ended_at=ago(8))
    with tenant_scope(acme.id):
        talk = live.snapshot(reveal=True).body["talk"]
    assert talk == {
        str(call.code): [
            ["caller", iso(ago(70)), iso(ago(50))],
            ["agent", iso(ago(40)), iso(ago(30))],
            ["caller", iso(ago(9)), None],
        ]
    }
    assert str(silent.code) not in talk


def test_the_talk_of_one_call_has_a_bound(acme):
    now = timezone.now()
    call = factories.make_call(acme, started_at=now)
    for _ in range(live.TALK_LIMIT + 5):
        factories.make_turn(call, started_at=now, ended_at=now)
    with tenant_scope(acme.id):
        assert len(live.recent_talk([call.pk])[str(call.code)]) == live.TALK_LIMIT


def test_agents_and_addresses_are_the_tenants_own(acme, globex):
    factories.make_agent(acme, name="Theo")
    factories.make_agent(acme, name="Nora")
    factories.make_agent(globex, name="Iris")
    account = factories.make_account(acme)
    factories.make_account(globex)
    with tenant_scope(acme.id):
        assert live.agent_names() == ["Nora", "Theo"]
        [address] = live.webhook_addresses()
    assert address.endswith(f"/webhooks/openai/{account.path_token}/")


HISTORY = 20_000


def test_a_long_history_is_not_read_for_the_rows(committed_db, acme):
    """By the plan of the very query, as the application's role and with statistics, as autovacuum keeps them."""
    account = factories.make_account(acme)
    watched = factories.make_call(acme, account=account)
    ended = [NOON - timedelta(minutes=number) for number in range(HISTORY)]
    with tenant_scope(acme.id):
        Call.objects.bulk_create(
            Call(account=account, tenant_id=acme.id, call_id=f"old_{at}", state="ended", started_at=at, ended_at=at)
            for at in ended
        )
    as_owner(committed_db, "analyze calls_call")
    with tenant_scope(acme.id):
        assert [call.code for call in live.shown_calls()] == [watched.code]
        plan = live.shown_calls().explain(analyze=True)
    # The live ones come from either of two partial indexes on their states.
    assert "BitmapOr" in plan
    assert "call_by_end" in plan
    assert "Rows Removed by Filter" not in plan
