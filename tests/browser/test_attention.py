"""What needs somebody: it is said why, stands first and beside the list, is one key away, and goes when it is helped."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import AWAY, settled
from tests.browser.people import Line, pill
from tests.rig.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.browser


def _card(page: Page, line: Line):
    return page.locator(f'[data-cards] > [data-code="{line.code}"]')


def _order(page: Page) -> list[str]:
    return page.locator("[data-rows] > tr").evaluate_all("rows => rows.map((row) => row.dataset.code)")


def test_a_caller_who_asks_for_a_person_is_found_and_helped_with_keys_alone(seat, ring):
    me, other = seat(), seat("admin")
    page, theirs = me.live(), other.live()
    quiet = ring("talking")
    line = ring("asking", speed=4)
    for one in (page, theirs):
        row = line.row(one)
        expect(row).to_have_attribute("data-severity", "act")
        expect(row.locator("[data-f=why]")).to_have_text("Asks for a person")
        expect(_card(one, line).locator("[data-f=kind]")).to_have_text("Act now")
        expect(_card(one, quiet)).to_have_count(0)
        expect(one).to_have_title(re.compile(r"^\(\d+!\) Live"))
    wait_until(
        lambda: _order(page).index(line.code) < _order(page).index(quiet.code), LIMIT_S, "what needs somebody first"
    )
    expect(line.row(page).locator("a")).to_have_attribute(
        "aria-label", re.compile("^Act now: Asks for a person, open call")
    )

    focused = "() => document.activeElement.closest('[data-cards] > li')?.dataset.code"
    wait_until(lambda: page.keyboard.press("a") or page.evaluate(focused) == line.code, LIMIT_S, "the card by its key")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/calls/{line.code}/")
    page.locator("html[data-ready]").wait_for(state="attached")
    page.keyboard.press("w")
    page.keyboard.type("A colleague calls back within the hour.")
    page.keyboard.press("Control+Enter")
    # Who helped is seen by the others: the call asks for nobody any more.
    expect(_card(theirs, line).filter(has_text="Asks for a person")).to_have_count(0)
    expect(line.row(theirs).locator("[data-f=why]")).not_to_have_text("Asks for a person")


def test_a_reload_says_the_same_and_lanes_are_full_at_once(seat, ring):
    line = ring("broken", speed=2)
    page = seat().live()
    expect(line.row(page).locator("[data-f=why]")).to_have_text("A tool failed")
    wait_until(lambda: len(line.stored_turns()) >= 6, LIMIT_S, "some talk")
    # Without any script: what the server alone knows.
    plain = seat(java_script_enabled=False)
    plain.page.goto("/t/acme/live/?need=1")
    row = line.row(plain.page)
    expect(row).to_have_attribute("data-severity", "act")
    expect(row.locator("[data-f=why]")).to_have_text("A tool failed")
    expect(_card(plain.page, line)).to_be_visible()
    for lane in ("caller", "agent"):
        assert row.locator(f"[data-f={lane}-lane]").get_attribute("d").count("M") >= 2
    plain.page.close()  # nobody can ask a page without scripts whether it has drawn


def test_filters_stand_in_the_address_and_can_be_dropped(seat, ring):
    asking = ring("asking", speed=4)
    talking = ring("talking")
    page = seat().live()
    expect(asking.row(page)).to_have_attribute("data-severity", "act")
    expect(talking.row(page)).to_be_visible()
    page.get_by_label("Needs you", exact=True).check()
    expect(talking.row(page)).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/live/\?need=1$"))
    page.reload()
    expect(pill(page)).to_have_attribute("data-phase", "live")
    expect(page.get_by_label("Needs you", exact=True)).to_be_checked()
    expect(asking.row(page)).to_be_visible()
    page.locator("[data-find]").fill("nobody says this")
    expect(page.locator("[data-nothing]")).to_contain_text("Nothing matches.")
    expect(page.locator("[data-drops] a")).to_have_count(2)
    page.locator("[data-drops] [data-chip=q]").click()
    expect(asking.row(page)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/live/\?need=1$"))
    page.locator("[data-chips] [data-chip=need]").click()
    expect(talking.row(page)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/live/$"))


def test_a_call_that_ends_under_the_cursor_stays_under_it(seat, ring):
    page = seat().live()
    line, other = ring("talking"), ring("talking", seed=8)
    expect(other.row(page)).to_be_visible()
    line.row(page).hover()
    settled(page)
    before = _order(page)
    line.hang_up()
    expect(line.row(page)).to_have_attribute("data-over", "")
    expect(line.row(page).locator("[data-f=words]")).to_have_text("The caller hung up, or the provider ended the call")
    assert _order(page)[: len(before)] == before
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url(f"**/calls/{line.code}/", wait_until="commit")


def test_a_page_that_hears_nothing_makes_no_claims(seat, ring, rig):
    line = ring("talking")
    me = seat()
    me.complaints.expect(*AWAY)
    page = me.live()
    row = line.row(page)
    expect(row).to_be_visible()
    rig.web.kill()
    expect(page.locator("html")).to_have_attribute("data-stale", "")
    expect(pill(page)).to_contain_text("Reconnecting")
    expect(page.locator("[data-alert]")).to_have_text("The connection is lost. What you see is getting old.")
    stood = row.locator("[data-f=timer]").text_content()
    old = re.compile(r"1[2-9] s|[2-9]\d s")
    wait_until(lambda: old.search(pill(page).text_content() or ""), LIMIT_S, "some seconds without news")
    assert row.locator("[data-f=timer]").text_content() == stood
    assert row.get_attribute("data-severity") is None, "the page's silence is not the call's"
    rig.web.start()
    expect(pill(page)).to_have_attribute("data-phase", "live")
    expect(row.locator("[data-f=timer]")).not_to_have_text(stood or "")
