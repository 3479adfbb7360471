"""More of what a supervisor does at a call: settings of the running session, a sign of life, in company, without a mouse."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from realtime_ops import demo
from tests.browser.chromium import AWAY
from tests.browser.people import Line, entry, pill
from tests.rig.browser import Browser as Visitor
from tests.rig.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.browser

LEAVER = "leaver@example.org"
AGE_THE_NEWS = "() => document.querySelectorAll('[data-part=probe]').forEach((one) => (one.hidden = false))"


def _settled(page: Page, words: str, state: str) -> None:
    expect(entry(page, words).first.locator(".chip")).to_have_attribute("data-state", state)


def _updates(rig, line: Line) -> list[dict]:
    told = (one["event"] for one in rig.provider.lines("client_frame", line.call_id))
    return [event["session"] for event in told if event["type"] == "session.update"]


def test_settings_change_in_the_running_call_and_locked_ones_say_why(seat, ring, rig):
    line = ring("waiting")
    me = seat()
    me.complaints.expect("422")
    page = me.call(line)
    line.wait_for_speech()
    page.locator(".segments").get_by_text("Session", exact=True).click()
    form = page.locator("[data-part=session]")
    expect(form.get_by_label("Model")).to_be_disabled()
    expect(form).to_contain_text("The provider fixes the model when the call begins.")
    expect(form.get_by_label("Voice")).to_be_disabled()
    expect(form).to_contain_text("The provider fixes the voice once the agent has spoken.")

    form.get_by_label("Turn detection").select_option("semantic_vad")
    form.get_by_label("Eagerness").select_option("low")
    form.get_by_label("Speed").fill("0.9")
    form.get_by_label("Tools").select_option("off")
    form.get_by_role("button", name="Change the session").click()
    _settled(page, "Session", "confirmed")
    expect(entry(page, "Session").locator("[data-f=text]")).to_contain_text("Speed 0.9")
    [update] = _updates(rig, line)
    assert update["tool_choice"] == "none"
    assert update["audio"]["output"] == {"speed": 0.9}
    assert update["audio"]["input"]["turn_detection"]["type"] == "semantic_vad"
    assert "voice" not in update["audio"]["output"]

    # What is in force now stands beside what the agent is set to, here and after a reload.
    for again in (False, True):
        if again:
            page.reload()
        differs = page.locator("[data-part=settings]")
        expect(differs).to_contain_text("Tools")
        expect(differs).to_contain_text("off")

    page.locator(".segments").get_by_text("Session", exact=True).click()
    form.get_by_role("button", name="Change the session").click()
    expect(form.locator("[data-error]")).to_have_text("Nothing would change: all of this is in force already.")
    form.get_by_label("Speed").evaluate("(field) => { field.max = '9'; field.value = '3'; }")
    form.get_by_role("button", name="Change the session").click()
    expect(form.locator("[data-error]")).to_contain_text("1.5")
    expect(form.get_by_label("Speed")).to_have_attribute("aria-invalid", "true")
    assert len(_updates(rig, line)) == 1


def test_a_probe_is_answered_by_the_provider(seat, ring, rig):
    line = ring("waiting")
    page = seat().call(line)
    line.wait_for_speech()
    page.evaluate(AGE_THE_NEWS)
    page.get_by_role("button", name="Probe").click()
    _settled(page, "Probe", "confirmed")
    told = [one["event"] for one in rig.provider.lines("client_frame", line.call_id)]
    assert [event["type"] for event in told if event["type"].endswith("retrieve")] == ["conversation.item.retrieve"]
    assert rig.state(line.call_id) == "active"
    expect(page.locator("[data-note=provider_error]")).to_have_count(0)


def test_the_probe_is_offered_when_news_are_old(seat, ring):
    line = ring("waiting")
    page = seat().call(line)
    line.wait_for_speech()
    # The caller holds the line: nothing is heard for long.
    expect(page.get_by_role("button", name="Probe")).to_be_visible(timeout=30_000)
    expect(page.locator("[data-part=head] [data-f=news]")).to_contain_text("last event")


def test_who_else_is_here_is_shown_and_nobody_of_another_tenant(seat, ring):
    line = ring("waiting")
    mine = seat("supervisor").call(line)
    box = mine.locator("[data-part=watching]")
    expect(box).to_be_hidden()
    other = seat("admin")
    theirs = other.call(line)
    expect(box.locator("li")).to_have_attribute("title", "admin@acme.example")
    expect(theirs.locator("[data-part=watching] li")).to_have_attribute("title", "supervisor@acme.example")
    stranger = seat("supervisor", "globex")
    stranger.complaints.expect("404")
    stranger.page.goto(line.path)
    expect(box.locator("li")).to_have_count(1)
    other.live(theirs)
    expect(box).to_be_hidden()


@pytest.fixture
def leaver(product):
    """A member whose sessions may all be ended: those of the others are shared by the tests."""
    tenant = demo.document(product.provider.port)["tenants"][0]
    kept = {key: tenant[key] for key in ("slug", "name", "timezone", "currency")}
    member = {"email": LEAVER, "password": demo.PASSWORD, "role": "supervisor"}
    product.manage("provision", "-", stdin=json.dumps({"tenants": [kept | {"members": [member]}]}))
    return LEAVER


def test_who_is_signed_out_elsewhere_is_told_at_once_and_keeps_the_words(seat, ring, rig, leaver):
    line = ring("waiting")
    me = seat("")
    me.complaints.expect(*AWAY, "403")
    me.take(Visitor(rig.port).sign_in(leaver, demo.PASSWORD))
    page = me.call(line)
    line.wait_for_speech()
    text = page.locator("textarea[name=text]")
    text.fill("Half a thought.")
    elsewhere = seat("")
    elsewhere.take(Visitor(rig.port).sign_in(leaver, demo.PASSWORD))
    other = elsewhere.open("/t/acme/calls/")
    other.locator("button.user").click()
    other.get_by_role("button", name="Sign out everywhere").click()
    expect(pill(page)).to_contain_text("Signed out")
    page.get_by_role("button", name="Inform the model", exact=True).click()
    expect(page.locator("#steer-error")).to_have_text("You are signed out. Sign in in another tab, then send again.")
    expect(text).to_have_value("Half a thought.")


def test_words_for_a_call_that_ends_are_kept_and_can_be_copied(seat, ring):
    line = ring("waiting")
    me = seat(permissions=["clipboard-read", "clipboard-write"])
    page = me.call(line)
    line.wait_for_speech()
    text = page.locator("textarea[name=text]")
    text.fill("Offer a callback.")
    expect(page.get_by_role("button", name="Copy your text")).to_be_hidden()
    line.hang_up()
    expect(page.locator("[data-reason]")).to_have_text(
        "The call is over. What you wrote was not sent; it stays here.", timeout=30_000
    )
    expect(text).to_have_value("Offer a callback.")
    page.get_by_role("button", name="Copy your text").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "Offer a callback."
    # The same page is the replay now.
    expect(page.get_by_role("group", name="Replay")).to_be_visible()


def test_a_supervisor_needs_no_mouse(seat, ring, rig):
    line = ring("waiting")
    page = seat().live()
    expect(line.row(page)).to_be_visible()

    def there() -> bool:
        page.keyboard.press("j")
        return page.evaluate("document.activeElement.closest('[data-code]')?.dataset.code ?? ''") == line.code

    wait_until(there, LIMIT_S, "the row to have the focus")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"http://127.0.0.1:{rig.port}{line.path}")
    expect(pill(page)).to_have_attribute("data-phase", "live")
    line.wait_for_speech()

    page.keyboard.press("w")
    page.keyboard.type("Offer a callback.")
    page.keyboard.press("Control+Enter")
    _settled(page, "Inform", "confirmed")
    page.keyboard.press("Escape")
    page.keyboard.press(".")
    expect(entry(page, "Stop talking").locator(".chip")).to_be_visible()
    page.keyboard.press("x")
    expect(page.locator("#transfer")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#transfer")).to_be_hidden()

    button = page.locator("button[popovertarget=hang-up]").first
    for _ in range(80):
        page.keyboard.press("Tab")
        if button.evaluate("(one) => one === document.activeElement"):
            break
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.locator("#hang-up")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Hang up")).to_be_focused()
    page.keyboard.press("Enter")
    _settled(page, "Hang up", "confirmed")
    line.settle()
