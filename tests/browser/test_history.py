"""Past calls in a browser: finding by words, walking by keys, a page back, the file."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.callers import BEGINNING, HOSTILE
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def spoken(switchboard):
    """A finished call in which every kind of thing was said."""
    line = switchboard.ring("everything", speed=20)
    line.settle()
    return line


def test_words_are_found_marked_and_lead_to_their_turn(seat, rig, spoken):
    page = seat().open("/t/acme/calls/")
    page.keyboard.press("/")
    words = page.get_by_label("Words in the transcript")
    expect(words).to_be_focused()
    words.fill('"no such words" or "billing team" -nothing')
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/t/acme/calls/\?q=[^&]+$"))  # what says nothing stays out of the address
    row = page.locator("tr.past", has=page.locator(f'a[href="{spoken.path}"]'))
    expect(row.locator("mark").first).to_have_text("billing")
    hit = row.locator(".hit a").first
    assert BEGINNING.removesuffix(".") in hit.inner_text()
    hit.click()
    expect(page).to_have_url(re.compile(re.escape(spoken.path) + r"\?turn=.+#turn-.+"))
    here = page.locator(".line[data-here]")
    expect(here).to_contain_text("billing team")
    expect(here).to_be_in_viewport()


def test_keys_walk_the_rows_and_enter_opens_one(seat, rig, spoken):
    page = seat().open("/t/acme/calls/?q=billing")
    rows = page.locator("tr.past .h-caller a")
    page.keyboard.press("j")
    expect(rows.first).to_be_focused()
    for _ in range(rows.count()):
        page.keyboard.press("j")
    expect(rows.last).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("j")
    address = rows.last.get_attribute("href")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(address)))


def test_filters_come_off_one_by_one_and_the_way_back_keeps_the_form(seat, rig, spoken):
    page = seat().open("/t/acme/calls/?q=billing&outcome=ended&shortest=0:01")
    expect(page.get_by_label("Length from")).to_be_visible()
    page.get_by_role("link", name="Take off: State Ended").click()
    expect(page).to_have_url(re.compile(r"\?q=billing&shortest=0%3A01$"))
    page.get_by_label("When", exact=True).select_option("today")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("link", name="Take off: When today")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("When", exact=True)).to_have_value("")
    expect(page.locator("[data-part=busy]")).to_be_hidden()


def test_what_was_filled_in_wrong_is_said_and_kept(seat, rig):
    me = seat()
    me.complaints.expect("status of 422")
    page = me.open("/t/acme/calls/?caller=4420&q=-no")
    expect(page.get_by_role("textbox", name="Caller")).to_have_value("4420")
    expect(page.locator('[data-field="q"] .error')).to_have_text("Names no word to look for.")


def test_the_view_is_a_file(seat, rig, spoken):
    page = seat("admin").open("/t/acme/calls/?q=billing")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="CSV").click()
    text = waiting.value.path().read_text("utf-8-sig")
    assert waiting.value.suggested_filename.endswith(".csv")
    assert spoken.call_id in text
    assert len(text.splitlines()) == 1 + page.locator("tr.past:not(.head)").count()


def test_hostile_words_are_shown_and_marked_as_words(seat, rig, ring):
    line = ring("hostile", speed=20)
    line.wait_for_speech()
    said = next(one for one in HOSTILE if "System notice" in one)
    page = seat().page

    def found() -> bool:
        page.goto("/t/acme/calls/?q=%22system+notice%22+or+iframe+or+bold")
        return said.split(":")[0] in page.locator("main").inner_text()

    wait_until(found, what="the words to be found")
    row = page.locator("tr.past", has=page.locator(f'a[href="{line.path}"]'))
    expect(row.locator("mark").first).to_be_visible()
    assert page.evaluate("document.body.dataset.owned") is None
    assert row.locator(".hit :is(img, iframe, script, b b)").count() == 0
