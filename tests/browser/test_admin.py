"""What admins do, in Chromium: publish, invite, connect an account, lead a number; and how their pages look."""

from __future__ import annotations

import json
import re
import secrets
import time
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from calls.simulator import webhooks
from tests.browser.people import follow, go, pill
from tests.browser.test_pages import _look

pytestmark = pytest.mark.browser

NORA = "+442079460100"
SECRET = "whsec_YSBzZWNyZXQgb2YgdGhlIGFkbWlucw=="
OTHER_SECRET = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldA=="
EVENT = {"id": "evt_test", "object": "event", "type": "response.completed", "created_at": 0, "data": {"id": "resp_1"}}


def _agent(me, name: str = "Nora, billing") -> Page:
    page = me.open("/t/acme/agents/")
    return follow(page, page.get_by_role("link", name=name).click)


def _version(page: Page) -> int:
    """The published one, as the head of the agent's page says."""
    return int(re.search(r"New calls use v(\d+)", page.locator(".page-head .lead").inner_text())[1])


def _deliver(address: str, secret: str) -> int:
    payload = json.dumps({**EVENT, "id": f"evt_{secrets.token_hex(4)}", "created_at": int(time.time())}).encode()
    headers = webhooks.signed(secret, f"wh_{secrets.token_hex(8)}", int(time.time()), payload)
    request = urllib.request.Request(address, payload, headers)  # noqa: S310  our own loopback port
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  our own loopback port
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_changed_instructions_are_published_and_a_new_call_uses_them(seat, ring):
    me, supervisor = seat("admin"), seat("supervisor")
    page = _agent(me)
    before = _version(page)
    older = ring(to=NORA)
    live = supervisor.live()
    expect(older.row(live).locator(".version")).to_have_text(f"v{before}")

    page.get_by_label("Instructions", exact=False).first.fill("You are Nora. Offer a callback the same day.")
    page.get_by_label("Note").fill("Sooner")
    page.get_by_role("button", name="Save and publish…").click()
    expect(page.get_by_role("heading", name=re.compile(r"^Publish v\d+\?"))).to_be_visible()
    expect(page.locator(".bullets")).to_contain_text(re.compile(rf"live calls? keeps? v{before}\b"))
    expect(page.locator(".diff ins").first).to_be_visible()
    page.get_by_role("button", name=re.compile(r"^Publish v\d+$")).click()
    expect(page.locator(".flash")).to_contain_text("is published: new calls to Nora, billing use it.")
    now = _version(page)
    assert now > before

    newer = ring(to=NORA)
    expect(newer.row(live).locator(".version")).to_have_text(f"v{now}")
    expect(older.row(live).locator(".version")).to_have_text(f"v{before}")

    # One click and a question lead back.
    row = page.get_by_role("row", name=re.compile(rf"^v{before}\b"))
    row.get_by_role("link", name="Roll back…").click()
    page.get_by_role("button", name=f"Publish v{before}").click()
    expect(page.locator(".flash")).to_contain_text(f"v{before} is published")


def test_two_admins_at_one_text(seat):
    adam, olivia = seat("admin"), seat("owner")
    adam.complaints.expect("status of 409")
    mine, theirs = _agent(adam, "Max, support"), _agent(olivia, "Max, support")
    theirs.get_by_label("Instructions", exact=False).first.fill("Olivia's words.")
    theirs.get_by_role("button", name="Save as draft").click()
    expect(theirs.locator(".flash")).to_contain_text("is saved as a draft")

    field = mine.get_by_label("Instructions", exact=False).first
    field.fill("Adam's words.")
    mine.get_by_role("button", name="Save as draft").click()
    expect(mine.get_by_role("alert").first).to_contain_text("was written by owner@acme.example while you were editing")
    expect(field).to_have_value("Adam's words.")
    expect(mine.locator(".diff del").first).to_contain_text("Olivia's")
    mine.get_by_role("button", name="Save as draft").click()
    expect(mine.locator(".flash")).to_contain_text("is saved as a draft")


def test_a_double_click_saves_once(seat):
    page = _agent(seat("admin"), "Max, support")
    field, save = page.get_by_label("Instructions", exact=False).first, page.get_by_role("button", name="Save as draft")
    numbers: list[int] = []
    for button in (save.click, save.dblclick):
        field.fill(f"Saved once: {secrets.token_hex(4)}.")
        with page.expect_navigation():
            button()
        said = page.locator(".flash", has_text="is saved as a draft").inner_text()
        numbers.append(int(re.search(r"\bv(\d+) is saved", said)[1]))
        page.locator("html[data-ready]").wait_for(state="attached")
    assert numbers[1] == numbers[0] + 1

    # A page that comes back as it was left can send again.
    page.evaluate("document.addEventListener('submit', (event) => event.preventDefault(), { once: true })")
    save.click()
    expect(save).to_have_attribute("data-busy", "")
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(save).not_to_have_attribute("data-busy", "")


def test_somebody_is_invited_gets_a_role_and_is_removed(seat):
    me, guest = seat("admin"), seat("")
    email = f"guest-{secrets.token_hex(3)}@acme.example"
    page = me.open("/t/acme/admin/members/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Role", exact=True).select_option("supervisor")
    page.get_by_role("button", name="Make the link").click()
    link = page.locator(".copy code").inner_text()

    theirs = guest.open(link)
    theirs.get_by_label("Your name").fill("Gwen Guest")
    theirs.get_by_label("Password").fill("12345678")
    guest.complaints.expect("status of 422")
    theirs.get_by_role("button", name="Join").click()
    expect(theirs.locator(".errorlist")).to_contain_text("too common")
    expect(theirs.get_by_label("Your name")).to_have_value("Gwen Guest")
    theirs.get_by_label("Password").fill("a long enough sentence")
    theirs.get_by_role("button", name="Join").click()
    expect(theirs).to_have_url(f"{guest.origin}/t/acme/live/")
    expect(pill(theirs)).to_have_attribute("data-phase", "live")

    me.open("/t/acme/admin/members/")
    row = page.get_by_role("row").filter(has_text=email)
    row.get_by_label("Role of Gwen Guest", exact=True).select_option("analyst")
    row.get_by_role("button", name="Change").click()
    expect(page.locator(".flash")).to_contain_text("Gwen Guest is an analyst now.")

    guest.live(theirs)
    row.get_by_role("button", name="Remove").click()
    dialog = page.get_by_role("dialog", name=re.compile("Remove Gwen Guest"))
    expect(dialog).to_contain_text("Their open pages close at once.")
    dialog.get_by_role("button", name="Remove").click()
    expect(page.locator(".flash")).to_contain_text("Gwen Guest was removed.")
    expect(pill(theirs)).to_have_attribute("data-phase", "closed")
    guest.complaints.expect("status of 404")
    theirs.goto("/t/acme/live/")
    expect(theirs.locator(".code")).to_have_text("404")
    theirs.goto(link)
    expect(theirs.get_by_role("heading", name="This invitation is over")).to_be_visible()


def test_an_account_is_added_and_turns_green_with_its_first_event(seat, rig):
    me = seat("admin")
    page = me.open("/t/acme/admin/accounts/new/")
    page.get_by_label("Name").fill(f"Second line {secrets.token_hex(2)}")
    page.get_by_label("Base URL").fill(f"http://127.0.0.1:{rig.provider.port}/v1")
    page.get_by_label("API key").fill("sk-simulator-acme")
    page.get_by_label("Webhook secret").fill(SECRET)
    page.get_by_role("button", name="Add account").click()
    waiting = page.locator(".waiting")
    expect(waiting).to_contain_text("Waiting for the first event.")
    assert _look(page, "waiting account") == []
    address = page.locator(".copy code").inner_text()

    assert _deliver(address, OTHER_SECRET) == 400
    expect(waiting).not_to_have_attribute("data-tone", "good")
    assert _deliver(address, SECRET) == 200
    expect(waiting).to_have_attribute("data-tone", "good")
    expect(waiting).to_contain_text("Connected")
    page.reload()
    expect(page.get_by_text("1 delivery refused")).to_be_visible()
    expect(page.get_by_role("cell", name="nothing to do")).to_be_visible()

    page.get_by_role("button", name="Test the key").click()
    expect(page.locator(".flash")).to_contain_text("answers, and the key is valid.")
    page.get_by_label("New API key").fill("sk-wrong-0123456789")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".flash")).to_contain_text("Saved.")
    page.get_by_role("button", name="Test the key").click()
    expect(page.locator(".flash")).to_contain_text("The test failed:")


def test_a_route_is_added_tried_and_removed_by_keyboard(seat, ring):
    me = seat("admin")
    page = me.open("/t/acme/live/")
    go(page, "gr", "**/routes/")
    expect(page.get_by_role("heading", name="Routes")).to_be_visible()
    page.get_by_label("Dialled number").fill("+44 20 7946 0555")
    page.get_by_label("Agent", exact=True).last.select_option(label="Theo, booking")
    page.get_by_label("Dialled number").press("Enter")
    expect(page.locator(".flash")).to_contain_text("It wins over *.")
    page.get_by_label("Somebody dials").fill("0044 20 79460555")
    page.get_by_label("Somebody dials").press("Enter")
    expect(page.locator("#verdict")).to_contain_text("Theo, booking answers, with v")

    line = ring(to="+442079460555")
    expect(line.row(seat("supervisor").live())).to_contain_text("Theo, booking")

    row = page.get_by_role("row").filter(has_text="+442079460555")
    row.get_by_role("button", name="Remove…").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name=re.compile("Remove the route"))
    expect(dialog).to_contain_text("follow * instead")
    dialog.get_by_role("button", name="Remove").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".flash")).to_contain_text("Its calls now follow *.")


def test_a_field_that_the_provider_would_refuse_is_named(seat):
    me = seat("admin")
    me.complaints.expect("status of 422")
    page = _agent(me, "Iris, triage")
    page.get_by_role("link", name="Session").click()
    expect(page.get_by_label("Threshold")).to_be_hidden()
    page.get_by_label("Whose turn it is").select_option("server_vad")
    page.get_by_label("Threshold").fill("7")
    page.get_by_label("Tools, as a JSON list").fill('[\n  {"type": "function"}\n]')
    page.get_by_role("button", name="Save").click()
    errors = page.locator(".errorlist")
    expect(errors).to_have_count(1)
    found = _look(page, "session with an error")
    assert page.get_by_label("Threshold").input_value() == "7"
    page.get_by_label("Threshold").fill("")
    page.get_by_label("Tools, as a JSON list").fill("[\n  {]\n]")
    page.get_by_role("button", name="Save").click()
    expect(errors).to_contain_text("Line 2, column 4")
    assert found == []


def test_pages_that_only_lead_on(seat):
    """Those that stand alone are in test_every_page."""
    me = seat("admin")
    page = _agent(me, "Max, support")
    agent = page.url.removeprefix(me.origin)
    found = _look(page, "instructions")
    for path in (f"{agent}versions/?show=1", f"{agent}used/", f"{agent}publish/1/", "/t/acme/routes/?try=%2B44"):
        found += _look(me.open(path), path)
    me.open("/t/acme/admin/members/")
    page.get_by_role("button", name=re.compile("Remove supervisor@")).click()
    found += _look(page, "remove a member", ("dark",))
    assert found == []


def test_without_scripts_forms_and_questions_work(seat):
    me = seat("admin", java_script_enabled=False)
    page = me.page
    page.goto("/t/acme/routes/")
    page.get_by_label("Dialled number").fill("+4420794605*")
    page.get_by_label("Agent", exact=True).last.select_option(label="Max, support")
    page.get_by_role("button", name="Add route").click()
    expect(page.locator(".flash")).to_contain_text("New calls to +4420794605* are answered by Max, support.")
    page.get_by_role("row").filter(has_text="+4420794605*").get_by_role("button", name="Remove…").click()
    dialog = page.get_by_role("dialog", name=re.compile("Remove the route"))
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Remove").click()
    expect(page.locator(".flash")).to_contain_text("was removed")
    assert me.complaints.heard("") == []
    me.leave()  # a page without scripts cannot be asked whether it is settled


def test_the_wrong_role_finds_no_way_in_and_is_told_who_may(seat):
    for role in ("supervisor", "analyst"):
        me = seat(role)
        me.complaints.expect("status of 403")
        page = me.open("/t/acme/live/")
        assert page.locator('[data-section="admin"], [data-section="agents"], [data-section="routes"]').count() == 0
        me.open("/t/acme/admin/members/")
        expect(page.get_by_text("open to owner and admin")).to_be_visible()
