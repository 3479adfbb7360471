"""The usage page answers what a stretch of days cost; its tables are CSV files too. Only for those who bill."""

from __future__ import annotations

import codecs
import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from calls.selectors import usage
from tests import factories
from tests.selectors.test_charges import USED

PAGE = "/t/acme/usage/"


@pytest.fixture
def yesterday(acme):
    """Noon of yesterday where acme is."""
    acme.timezone = "Europe/London"
    acme.save()
    here = timezone.now().astimezone(ZoneInfo("Europe/London")) - timedelta(days=1)
    return here.replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def call(acme, yesterday):
    """10 minutes with Nora yesterday, two models, two replies."""
    nora = factories.make_agent(acme, name="Nora", model="gpt-realtime")
    ended = {"state": "ended", "end_reason": "hung_up", "ended_at": yesterday + timedelta(minutes=10, seconds=1)}
    call = factories.make_call(acme, agent=nora, started_at=yesterday, **ended)
    for _ in range(500):
        factories.make_usage(call, **USED)
    nothing = dict.fromkeys(("input_text", "input_audio", "cached_text", "output_text", "output_audio"), 0)
    factories.make_usage(call, kind="transcription", model="whisper-1", seconds=Decimal(60), **nothing)
    for ms in (640, 1650):
        factories.make_turn(call, speaker="agent", reply_ms=ms)
    return call


def _table(client, key, query="range=yesterday"):
    answer = client.get(f"{PAGE}{key}.csv?{query}")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Disposition"].startswith('attachment; filename="acme-')
    assert "no-store" in answer["Cache-Control"]
    assert answer.content.startswith(codecs.BOM_UTF8)
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_yesterdays_cost_by_model_at_a_glance(ana, call):
    html = ana.client.get(f"{PAGE}?range=yesterday").content.decode()
    for words in (
        "Cost by model",
        ">gpt-realtime<",
        ">$11.48<",
        ">whisper-1<",
        ">$0.01<",
        ">$11.49<",
        ">640 ms<",
        ">1.65 s<",
    ):
        assert words in html, words
    assert '<data value="11.4860' in html


def test_the_tables_have_exact_amounts(ana, call):
    found = {row["model"]: row for row in _table(ana.client, "cost-by-model")}
    assert Decimal(found["gpt-realtime"]["cost_usd"]) == 500 * Decimal("0.02296")
    assert Decimal(found["whisper-1"]["cost_usd"]) == Decimal("0.006")
    assert found["gpt-realtime"]["bills"] == "500"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("calls", {"ended": "1", "calls": "1"}),
        ("minutes", {"minutes": "10.00"}),
        ("replies", {"replies": "2", "p50_ms": "640", "p95_ms": "1650"}),
        ("cost-by-agent", {"agent": "Nora", "bills": "501"}),
        ("tokens", {"kind": "Text in, new", "quantity": "200000"}),
        ("by-agent", {"calls": "1", "minutes": "10.00", "input_tokens": "750000", "cached_tokens": "300000"}),
        ("by-version", {"version": "Nora v1", "p50_ms": "640"}),
        ("by-model", {"model": "gpt-realtime", "output_tokens": "40000"}),
    ],
)
def test_every_table_is_a_csv(ana, call, key, expected):
    row = _table(ana.client, key)[0]
    assert {name: row[name] for name in expected} == expected


def test_no_other_table(ana, call):
    assert ana.client.get(f"{PAGE}passwords.csv").status_code == 404
    assert ana.client.get(f"{PAGE}calls.csv?since=x").status_code == 422


def test_a_formula_in_an_agents_name_is_disarmed(acme, ana, yesterday):
    agent = factories.make_agent(acme, name="=1+1")
    factories.make_usage(factories.make_call(acme, agent=agent, started_at=yesterday))
    assert _table(ana.client, "cost-by-agent")[0]["agent"] == "'=1+1"


def test_what_is_not_sure_is_said_apart(acme, ana, call):
    factories.make_usage(call, model="my-deployment")
    factories.make_usage(call, complete=False)
    factories.make_usage(call, **USED, split_known=False)
    html = ana.client.get(f"{PAGE}?range=yesterday").content.decode()
    for words in (
        "Cost, at least",
        ">$11.49<",
        "1 bill came without figures",
        "<code>my-deployment</code> has no price for 36 tokens (Text in, new), ",
        "Estimated",
    ):
        assert words in html, words
    found = {row["model"]: row for row in _table(ana.client, "cost-by-model")}
    assert found["my-deployment"]["cost_usd"] == ""
    assert found["my-deployment"]["tokens_without_price"] == "250"
    assert Decimal(found["gpt-realtime"]["estimated_usd"]) == Decimal("0.02296")
    assert found["gpt-realtime"]["bills_without_figures"] == "1"


def test_figures_stand_against_those_before(acme, ana, call, yesterday):
    for _ in range(4):
        factories.make_call(acme, started_at=yesterday - timedelta(days=1), state="ended", ended_at=yesterday)
    html = ana.client.get(f"{PAGE}?range=yesterday").content.decode()
    assert "\N{MINUS SIGN}75 %" in html
    assert "none before" in html  # no cost on that day


def test_a_call_at_midnight_belongs_to_its_day(acme, ana):
    """The night in which London's clocks go back."""
    acme.timezone = "Europe/London"
    acme.save()
    for minutes in (-1, 0, 25 * 60 - 1, 25 * 60):
        at = datetime(2026, 10, 24, 23, tzinfo=UTC) + timedelta(minutes=minutes)
        factories.make_usage(factories.make_call(acme, started_at=at), at=at)
    found = _table(ana.client, "calls", "since=2026-10-24&until=2026-10-26")
    assert [row["calls"] for row in found] == ["1", "2", "1"]
    assert _table(ana.client, "cost-by-model", "since=2026-10-25&until=2026-10-25")[0]["bills"] == "2"


def test_an_empty_range_is_no_zero(ana, call, yesterday):
    html = ana.client.get(f"{PAGE}?since=2026-01-01&until=2026-01-02").content.decode()
    assert "No usage in this range." in html
    assert "Show the nearest day that has calls" in html
    assert f"since={yesterday.date()}" in html
    assert "$0" not in html


def test_an_empty_tenant(rita):
    html = rita.client.get("/t/globex/usage/").content.decode()
    assert "Figures appear with the first call." in html


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("since=2026-02-02&until=2026-02-01", "Must not be before the first day."),
        ("since=soon", "Is no date: write it as 2026-11-20."),
        ("range=century", "Is none of the ranges that there are."),
    ],
)
def test_a_range_that_cannot_be_is_said_and_kept(ana, call, query, words):
    answer = ana.client.get(f"{PAGE}?{query}")
    html = answer.content.decode()
    assert answer.status_code == 422
    assert words in html
    if "since=soon" in query:
        assert 'value="soon"' in html


@pytest.mark.parametrize("path", ["", "calls.csv", "cost-by-model.csv"])
def test_only_those_who_bill_and_only_their_own(sam, adam, rita, path):
    assert adam.client.get(PAGE + path).status_code == 200
    assert sam.client.get(PAGE + path).status_code == 403
    assert rita.client.get(PAGE + path).status_code == 404
    assert "Usage</span>" not in sam.client.get("/t/acme/live/").content.decode()


def test_a_range_that_takes_too_long_is_said_and_a_shorter_one_offered(ana, call, monkeypatch):
    monkeypatch.setattr(usage, "_CALLS", "set local statement_timeout = 20; select pg_sleep(60)")
    answer = ana.client.get(f"{PAGE}?range=30d&by=model")
    html = answer.content.decode()
    assert answer.status_code == 503
    assert "This range is too long." in html
    assert 'href="?range=yesterday&amp;by=model"' in html
    answer = ana.client.get(f"{PAGE}calls.csv?range=30d")
    assert (answer.status_code, "longer than a page may take" in answer.content.decode()) == (503, True)
