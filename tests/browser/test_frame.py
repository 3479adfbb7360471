"""What stands around every page: tenant switch, preferences, keys, the command menu, counts, the end of sessions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from realtime_ops import demo
from tests.browser.people import NARROW, Seat, pill, remembered
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.browser

ROW_HEIGHT = "() => document.querySelector('tbody .row').getBoundingClientRect().height"


@pytest.fixture
def both(rig) -> Iterator[None]:
    """The admin of acme is an analyst of globex too."""
    whom = "u.email = 'admin@acme.example' and t.slug = 'globex'"
    rig.rows(
        f"""insert into calls_membership (user_id, tenant_id, role, created_at)
            select u.id, t.id, 'analyst', now() from calls_user u, calls_tenant t where {whom} returning 1"""
    )
    yield
    rig.rows(
        f"""delete from calls_membership m using calls_user u, calls_tenant t
            where u.id = m.user_id and t.id = m.tenant_id and {whom} returning 1"""
    )


@pytest.fixture
def as_before(rig) -> Iterator[None]:
    """Preferences are the person's: give them back as they were."""
    yield
    rig.rows("update calls_user set theme = 'system', density = 'comfortable', letter_keys = true returning 1")


def _commands(page: Page) -> list[str]:
    return page.locator("#commands [role=option] [data-f=label]").all_inner_texts()


def _listed(page: Page) -> list[str]:
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    found = page.locator("#keys dt").all_inner_texts()
    page.keyboard.press("Escape")
    return found


def test_the_switch_keeps_the_page_where_the_role_there_has_it(seat, both):
    me = seat("admin")
    for here, there in (("calls", "calls"), ("routes", "live"), ("live", "live")):
        page = me.open(f"/t/acme/{here}/")
        page.get_by_title("Switch tenant").focus()
        page.keyboard.press("Enter")
        menu = page.get_by_role("navigation", name="Tenants")
        expect(menu.get_by_role("link", name="Acme Health")).to_have_attribute("aria-current", "true")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        expect(menu.get_by_role("link", name="Globex Travel")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page).to_have_url(f"{me.origin}/t/globex/{there}/")


def test_who_has_one_tenant_has_nothing_to_switch(seat):
    page = seat().open("/t/acme/calls/")
    expect(page.locator(".tenant")).to_have_text("Acme Health")
    expect(page.get_by_title("Switch tenant")).to_have_count(0)


def test_density_changes_in_place_and_stays(seat, ring, as_before):
    ring()
    page = seat().live()
    expect(page.locator("tbody .row").first).to_be_visible()
    assert page.evaluate(ROW_HEIGHT) == 36
    page.locator("button.user").click()
    with page.expect_response("**/preferences/"):
        page.get_by_role("button", name="Compact").click()
    assert page.evaluate(ROW_HEIGHT) == 28
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-density", "compact")
    expect(page.locator("tbody .row").first).to_be_visible()
    assert page.evaluate(ROW_HEIGHT) == 28


def test_a_preference_that_could_not_be_kept_says_so(seat):
    page = seat().open("/t/acme/calls/")
    page.context.route("**/preferences/", lambda route: route.fulfill(status=302, headers={"location": "/sign-in/"}))
    page.locator("button.user").click()
    page.get_by_role("button", name="Dark", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("could not be kept")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator(".toast").get_by_role("button", name="Dismiss").click()
    expect(page.locator(".toast")).to_have_count(0)


def test_single_keys_can_be_switched_off_and_the_others_stay(seat, as_before):
    page = seat().open("/t/acme/calls/")
    page.locator("button.user").click()
    with page.expect_response("**/preferences/"):
        page.get_by_role("group", name="Single keys").get_by_role("button", name="Off").click()
    page.keyboard.press("Escape")
    for key in ("?", "/"):
        page.keyboard.press(key)
    expect(page.locator("#keys")).to_be_hidden()
    expect(page.locator("[data-find]")).not_to_be_focused()
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.keyboard.press("Control+k")
    expect(page.locator("#commands")).to_be_visible()
    assert page.url.endswith("/t/acme/calls/")


def test_the_list_of_keys_is_what_this_page_and_this_role_have(seat, ring):
    line = ring()
    mine = _listed(seat().call(line))
    theirs = _listed(seat("analyst").call(line))
    steering = {"Inform the model", "Say", "Stop talking", "Transfer…"}
    assert steering <= set(mine)
    assert not steering & set(theirs)
    assert {"Find", "Command menu", "Live", "Calls"} <= set(mine) & set(theirs)
    assert "Next call" not in mine
    supervisor, admin = _listed(seat().live()), _listed(seat("admin").live())
    assert "Next call" in supervisor
    assert "Routes" in admin
    assert "Routes" not in supervisor


def test_the_command_menu_finds_goes_and_acts(seat, ring, as_before):
    line = ring()
    me = seat()
    page = me.call(line)
    page.keyboard.press("Control+k")
    expect(page.locator("#commands")).to_be_visible()
    assert {"Say", "Hang up…", "Theme: dark", "Sign out everywhere"} <= set(_commands(page))
    page.keyboard.type("hang")
    wait_until(lambda: _commands(page) == ["Hang up…"], what="what was typed to be found")
    page.keyboard.press("Enter")
    expect(page.locator("#commands")).to_be_hidden()
    expect(page.locator("#hang-up")).to_be_visible()
    page.keyboard.press("Escape")

    page.keyboard.press("Control+k")
    page.keyboard.type("theme")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#commands [aria-selected=true]")).to_contain_text("Theme: light")
    with page.expect_response("**/preferences/"):
        page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")

    # In a field too: what is written stays.
    page.keyboard.press("w")
    page.locator("textarea[name=text]").fill("half a sentence")
    page.keyboard.press("Control+k")
    page.keyboard.type("no such thing")
    expect(page.get_by_text("No such command here.")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("textarea[name=text]")).to_have_value("half a sentence")
    page.keyboard.press("Control+k")
    page.keyboard.type("go calls")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{me.origin}/t/acme/calls/")


@pytest.fixture(scope="module")
def leaver(product) -> str:
    """Somebody of whose sessions no other test has one."""
    tenant = demo.document(product.provider.port)["tenants"][0]
    member = {"email": "leaver@acme.example", "password": demo.PASSWORD, "role": "supervisor"}
    kept = {key: tenant[key] for key in ("slug", "name", "timezone", "currency")}
    product.manage("provision", "-", stdin=json.dumps({"tenants": [kept | {"members": [member]}]}))
    return "leaver"


def test_signing_out_everywhere_closes_open_pages_at_once(seat, leaver):
    phone, desk, other = seat(""), seat(""), seat("admin")
    for one in (phone, desk):
        one.sign_in(leaver)
        one.live()
    other.live()
    desk.page.locator("button.user").click()
    desk.page.get_by_role("button", name="Sign out everywhere").click()
    expect(desk.page.get_by_text("You are signed out everywhere.")).to_be_visible()
    # Told, not found out: a page's rights are looked up every 60 s (RECHECK_S of calls.live.consumers).
    expect(pill(phone.page)).to_have_attribute("data-phase", "closed", timeout=30_000)
    expect(pill(phone.page)).to_contain_text("Signed out")
    expect(pill(other.page)).to_have_attribute("data-phase", "live")
    phone.page.reload()
    expect(phone.page.get_by_text("Your session has ended. Sign in to go on where you were.")).to_be_visible()


def test_other_pages_count_what_is_live_and_go_silent_when_they_cannot(seat, ring):
    ring()
    me = seat()
    page = me.open("/t/acme/calls/")
    counts = page.locator(".counts")
    # The first answer may be what was kept for an earlier page, before the call came; the next is asked for 15 s later.
    expect(counts.locator("[data-f=live]")).to_have_text(re.compile(r"^[1-9]\d*$"))
    counts.click()
    expect(page).to_have_url(f"{me.origin}/t/acme/live/")
    expect(page.locator(".counts")).to_have_count(0)
    page.context.route("**/live/figures/", lambda route: route.fulfill(status=302, headers={"location": "/sign-in/"}))
    page = me.open("/t/acme/calls/")
    expect(page.locator(".counts")).to_be_hidden()


def test_the_search_of_other_pages_leads_to_all_calls(seat):
    me = seat()
    page = me.open("/t/acme/calls/")
    page.keyboard.press("/")
    page.keyboard.type("refund")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{me.origin}/t/acme/calls/?q=refund")
    expect(page.locator("[data-find]")).to_have_value("refund")


def test_on_a_phone_the_rail_is_a_bar_at_the_foot_that_holds_every_entry(seat):
    page = seat("admin", viewport=NARROW).open("/t/acme/calls/")
    boxes = [one.bounding_box() for one in page.locator(".rail a").all()]
    assert len(boxes) >= 5
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= NARROW["width"] for box in boxes)
    assert {box["y"] + box["height"] > NARROW["height"] - 60 for box in boxes} == {True}
    assert all(box["width"] >= 24 and box["height"] >= 24 for box in boxes)
    # The last line of the page is not under it.
    page.evaluate("() => scrollTo(0, document.body.scrollHeight)")
    assert page.evaluate(
        "() => document.querySelector('main').getBoundingClientRect().bottom <= document.querySelector('.rail').getBoundingClientRect().top + 1"
    )


@pytest.fixture
def staff(seat, rig) -> Iterator[Seat]:
    """An analyst who is platform staff as well."""
    who = "where email = 'analyst@globex.example' returning 1"
    rig.rows(f"update calls_user set is_staff = true {who}")
    yield seat("analyst", "globex", permissions=["clipboard-read", "clipboard-write"])
    rig.rows(f"update calls_user set is_staff = false {who}")


def test_staff_find_the_platform_and_the_style_page_in_their_menu(staff):
    page = staff.open("/t/globex/calls/")
    for word, path in (("Style page", "/style/"), ("Platform admin", "/admin/")):
        page.goto("/t/globex/calls/")
        page.locator("button.user").click()
        page.get_by_role("link", name=word).click()
        expect(page).to_have_url(f"{staff.origin}{path}")


def test_copying_says_that_it_did_or_marks_the_words(staff):
    page = staff.open("/style/")
    box = page.locator(".copy").first
    status = remembered(box.get_by_role("status"))
    box.get_by_role("button").click()
    wait_until(lambda: "Copied." in status(), what="the copying to be told")
    assert page.evaluate("() => navigator.clipboard.readText()") == box.locator("[data-f=text]").inner_text()
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    box.get_by_role("button").click()
    wait_until(lambda: "Marked" in " ".join(status()), what="the marking to be told")
    assert page.evaluate("() => String(getSelection())") == box.locator("[data-f=text]").inner_text()
