"""The history as a file: for spreadsheets, masked, disarmed, on record, and honest about where it ends."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.urls import reverse

from calls.models import AuditEntry
from calls.tenancy import tenant_scope
from calls.web import calls_csv
from tests import factories
from tests.factories import NOON

FORMULAS = ("=cmd|'/c calc'!A0", "@SUM(1)", "-2+3", "\t=1", "＝1")


async def _text(response):
    return "".join([part.decode() async for part in response.streaming_content])


def taken(person, tenant="acme", **query):
    answer = person.client.get(reverse("calls_csv", args=[tenant]), query)
    assert answer.status_code == 200, answer.content
    return answer, async_to_sync(_text)(answer)


def records(person, **query):
    return list(csv.DictReader(io.StringIO(taken(person, **query)[1].removeprefix("\ufeff"))))


def make(acme, **fields):
    ended = NOON + timedelta(minutes=2, seconds=1)
    agent = factories.make_agent(acme, name=fields.pop("name", "Nora"))
    return factories.make_call(
        acme, agent=agent, **{"state": "ended", "end_reason": "hung_up", "ended_at": ended, **fields}
    )


def test_a_row_says_what_the_page_says(adam, acme):
    call = make(acme, from_number="+442079460100", usage_incomplete=True)
    factories.make_turn(call, "My invoice, please.")
    factories.make_turn(call, "One", speaker="agent", status="cut_off", reply_ms=640)
    factories.make_gap(call)
    (row,) = records(adam, q="invoice")
    assert row == {
        "call_id": call.call_id, "state": "ended", "end_reason": "hung_up", "detail": "", "from": "+442079460100",
        "to": "+498001234", "agent": "Nora", "instruction_version": "1", "started_at": "2026-11-20T12:00:00.000Z",
        "answered_at": "2026-11-20T12:00:01.000Z", "ended_at": "2026-11-20T12:02:01.000Z", "length_s": "120",
        "turns": "2", "reply_p50_ms": "640", "cut_off": "1", "not_watched": "yes", "usage_incomplete": "yes",
        "cost_usd": "", "cost_complete": "yes", "found": "My invoice, please.",
    }  # fmt: skip


def test_a_cost_says_whether_it_is_all_of_it(adam, acme):
    call = make(acme, call_id="rtc_cost")
    factories.make_usage(call, model="gpt-realtime")
    (row,) = records(adam)
    assert row["cost_complete"] == "yes"
    assert 0 < Decimal(row["cost_usd"]) < 1
    factories.make_usage(call, model="no-price")
    (partly,) = records(adam)
    assert (partly["cost_usd"], partly["cost_complete"]) == (row["cost_usd"], "no")


def test_it_opens_in_a_spreadsheet(adam, acme):
    make(acme, name="Zoë")
    answer, text = taken(adam)
    assert text.startswith("\ufeffcall_id,")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="calls-acme-' in answer["Content-Disposition"]
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_text_is_a_formula(adam, acme, formula):
    call = make(acme, name=formula.strip(), from_number=formula, to_number=formula, detail=formula)
    factories.make_turn(call, f"{formula} invoice")
    (row,) = records(adam, q="invoice")
    for name in ("from", "to", "agent", "detail"):
        assert row[name].startswith("'"), name
    assert row["found"][0] not in "=+-@＝\t"


def test_only_what_is_filtered_is_in_it(adam, acme):
    make(acme, call_id="kept")
    make(acme, call_id="left", name="Theo", end_reason="busy", state="refused")
    assert [row["call_id"] for row in records(adam, outcome="ended")] == ["kept"]


def test_numbers_are_masked_as_on_the_page(sam, ana, acme):
    make(acme, from_number="+442079460100")
    for person in (sam, ana):
        assert records(person)[0]["from"] == "+44 •••• 0100"


def test_it_is_on_record_without_what_was_looked_for(adam, acme):
    make(acme)
    taken(adam, q="secret words", outcome="ended")
    with tenant_scope(acme.id):
        entry = AuditEntry.objects.get(verb="export.begun")
    assert (entry.object_code, entry.actor_label) == ("calls", adam.user.email)
    assert entry.detail == {"format": "csv", "filters": ["text", "outcome"]}


def test_many_pages_are_one_file(adam, acme, monkeypatch):
    monkeypatch.setattr(calls_csv, "PAGE", 2)
    account = factories.make_account(acme)
    for minute in range(5):
        factories.make_call(acme, account=account, call_id=f"c{minute}", started_at=NOON + timedelta(minutes=minute))
    assert [row["call_id"] for row in records(adam)] == ["c4", "c3", "c2", "c1", "c0"]


def test_a_file_that_is_cut_says_so(adam, acme, monkeypatch):
    monkeypatch.setattr(calls_csv, "PAGE", 2)
    monkeypatch.setattr(calls_csv, "MOST", 4)
    account = factories.make_account(acme)
    for _ in range(4):
        factories.make_call(acme, account=account)
    assert "Not complete" not in taken(adam)[1]
    factories.make_call(acme, account=account)
    lines = taken(adam)[1].splitlines()
    assert len(lines) == 6
    assert lines[-1].startswith("Not complete: at most 4 calls are in one file.")


def test_a_file_that_breaks_off_says_so(adam, acme, monkeypatch):
    monkeypatch.setattr(calls_csv, "PAGE", 1)
    make(acme)
    make(acme, name="Theo")

    def slow(*args, **kwargs):
        raise calls_csv.TooWide

    monkeypatch.setattr(calls_csv, "_page", slow)
    lines = taken(adam)[1].splitlines()
    assert len(lines) == 3
    assert lines[-1].startswith("Not complete: reading the calls took too long.")


def test_what_cannot_be_asked_is_refused_before_anything_is_sent(adam, acme):
    answer = adam.client.get(reverse("calls_csv", args=["acme"]), {"shortest": "soon"})
    assert answer.status_code == 422
    assert "Length from" in answer.content.decode()
    assert adam.client.get(reverse("calls_csv", args=["acme"]), {"q": "-no"}).status_code == 422


def test_the_rival_gets_none(rita, acme, globex):
    make(acme)
    assert rita.client.get(reverse("calls_csv", args=["acme"])).status_code == 404
    answer = rita.client.get(reverse("calls_csv", args=["globex"]))
    assert len(async_to_sync(_text)(answer).splitlines()) == 1
    with connection.cursor() as cursor:
        cursor.execute("select 1")  # nothing was left open
