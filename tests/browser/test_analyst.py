"""An analyst says what yesterday cost, by model, and takes it home as a file whose sum is the figure on the page."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
from playwright.sync_api import Page, expect

from realtime_ops import command_lines, demo
from tests.browser.people import Line, Seat
from tests.browser.test_pages import _look
from tests.rig.machine import Rig
from tests.rig.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.browser

DAY_LEFT = timedelta(minutes=1)
YESTERDAY = (
    "update calls_tokenusage u set at = at - interval '1 day' from calls_call c where c.id = u.call_id and c.call_id = %s",
    "update calls_turn t set started_at = t.started_at - interval '1 day' from calls_call c"
    " where c.id = t.call_id and c.call_id = %s",
    "update calls_call set started_at = started_at - interval '1 day', answered_at = answered_at - interval '1 day',"
    " ended_at = ended_at - interval '1 day' where call_id = %s",
)

BILLED = (
    "select 1 from calls_tokenusage u join calls_call c on c.id = u.call_id"
    " where c.call_id = %s and u.kind = 'response' and u.complete"
)


@pytest.fixture
def jobs(rig: Rig) -> Rig:
    """With a worker that writes exports."""
    if "jobs" not in rig.handles:
        rig.add("jobs", command_lines.jobs_worker())
    return rig


@pytest.fixture
def yesterdays(jobs: Rig, ring: Callable[..., Line]) -> Line:
    """A call that was over yesterday, and will be for as long as a test takes."""
    zone = ZoneInfo(demo.document(jobs.provider.port)["tenants"][0]["timezone"])
    wait_until(lambda: datetime.now(zone).date() == (datetime.now(zone) + DAY_LEFT).date(), 90, "a day that lasts")
    line = ring("talking")
    wait_until(lambda: jobs.rows(BILLED, line.call_id), LIMIT_S, "a reply with its figures")
    line.hang_up()
    line.settle()
    with psycopg.connect(jobs.database_url) as owner:
        for statement in YESTERDAY:
            owner.execute(statement.encode(), [line.call_id])
    return line


def _sign_in(me: Seat) -> Page:
    page = me.open("/sign-in/")
    page.get_by_label("E-mail address").fill("analyst@acme.example")
    page.get_by_label("Password").fill(demo.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


def test_what_yesterday_cost_by_model_and_the_file_of_it(
    seat: Callable[..., Seat], yesterdays: Line, tmp_path: Path
) -> None:
    page = _sign_in(seat(""))

    page.get_by_role("link", name="Usage").click()
    page.get_by_role("link", name="Yesterday", exact=True).click()

    table = page.locator('[data-table="cost-by-model"]')
    expect(table.get_by_role("rowheader", name="gpt-realtime-2.1", exact=True)).to_be_visible()
    total = table.locator("tfoot data").first
    expect(total).to_contain_text("$")
    cost = Decimal(total.get_attribute("value") or "0")
    assert cost > 0

    page.get_by_role("link", name="Export", exact=True).click()
    page.get_by_label("What").select_option("charges")
    page.get_by_label("Format").select_option("csv")
    page.get_by_role("button", name="Export", exact=True).click()

    latest = page.locator("tr[data-export]").first
    expect(latest).to_contain_text("Charges")
    expect(latest).to_have_attribute("data-state", "done")
    with page.expect_download() as download:
        latest.get_by_role("link", name="Download").click()
    path = tmp_path / "charges.csv"
    download.value.save_as(path)
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))
    assert sum(Decimal(row["amount_usd"]) for row in rows if row["certainty"] == "exact") == cost
    assert yesterdays.call_id in {row["call_id"] for row in rows}


def test_no_figure_is_cut_off_where_there_are_doubts(seat: Callable[..., Seat], jobs: Rig, yesterdays: Line) -> None:
    with psycopg.connect(jobs.database_url) as owner:
        owner.execute(
            "update calls_tokenusage u set complete = u.kind <> 'response', model = 'gpt-realtime-2.1-mini-2026-08-01'"
            " from calls_call c where c.id = u.call_id and c.call_id = %s",
            [yesterdays.call_id],
        )
    me = seat("analyst")
    page = me.open("/t/acme/usage/?range=yesterday")
    page.set_viewport_size({"width": 1440, "height": 900})
    table = page.get_by_role("group", name="Cost by model")
    expect(table.get_by_role("columnheader", name="No figures")).to_be_visible()
    assert table.evaluate("table => table.scrollWidth - table.clientWidth") == 0


def test_a_bar_opens_the_calls_of_its_day(seat: Callable[..., Seat], yesterdays: Line) -> None:
    page = seat("analyst").open("/t/acme/usage/?range=yesterday")
    chart = page.locator('[data-chart="calls"]')
    chart.get_by_text("Show as table").click()
    chart.get_by_role("rowheader").first.get_by_role("link").click()
    expect(page.locator(f'a[href*="{yesterdays.code}"]').first).to_be_visible()


def test_usage_and_exports_have_nothing_to_complain_of(seat: Callable[..., Seat], yesterdays: Line) -> None:
    me = seat("analyst")
    found = _look(me.open("/t/acme/usage/?range=7d"), "usage")
    found += _look(me.open("/t/acme/exports/"), "exports")
    assert found == []


@pytest.mark.parametrize("path", ["usage", "exports"])
def test_a_supervisor_is_told_who_may(seat: Callable[..., Seat], path: str) -> None:
    me = seat("supervisor")
    me.complaints.expect("status of 403")
    me.page.goto(f"/t/acme/{path}/")
    expect(me.page.get_by_text("Your role here is supervisor", exact=False)).to_be_visible()
    expect(me.page.get_by_role("link", name="Usage")).to_have_count(0)
