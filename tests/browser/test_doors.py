"""Signing in and out, choosing a tenant, the theme, and what a role may see."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from realtime_ops import demo
from tests.browser.people import exactly, follow
from tests.rig.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.browser

TWO_DOORS = "both@example.org"
OUTSIDER = "nobody@example.org"
GROUND = "() => getComputedStyle(document.body).backgroundColor"


def _fill(page: Page, email: str, password: str) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.fixture(scope="module")
def strangers(product):
    """One who belongs to both tenants, and one who belongs to neither any more."""
    tenants = demo.document(product.provider.port)["tenants"]
    kept = ("slug", "name", "timezone", "currency")
    roles = {"acme": "supervisor", "globex": "analyst"}
    document = {
        "tenants": [
            {key: one[key] for key in kept}
            | {"members": [{"email": TWO_DOORS, "password": demo.PASSWORD, "role": roles[one["slug"]]}]}
            for one in tenants
        ]
    }
    document["tenants"][1]["members"].append({"email": OUTSIDER, "password": demo.PASSWORD, "role": "analyst"})
    product.manage("provision", "-", stdin=json.dumps(document))
    product.rows(
        "delete from calls_membership using calls_user u where u.id = user_id and u.email = %s returning 1", OUTSIDER
    )


def test_a_wrong_password_says_so_and_the_right_one_leads_to_live(seat):
    me = seat("")
    page = me.open("/")
    expect(page).to_have_url(f"{me.origin}/sign-in/?next=/")
    _fill(page, "supervisor@acme.example", "wrong")
    expect(page.get_by_role("alert").filter(has_text="do not go together")).to_be_visible()
    expect(page.get_by_label("E-mail address")).to_have_value("supervisor@acme.example")
    expect(page.get_by_label("Password")).to_have_value("")
    _fill(page, "supervisor@acme.example", demo.PASSWORD)
    expect(page).to_have_url(f"{me.origin}/t/acme/live/")
    expect(page.get_by_role("link", name="Live")).to_have_attribute("aria-current", "page")


def test_after_signing_in_one_is_where_one_wanted_to_be_and_never_elsewhere(seat):
    me = seat("")
    _fill(me.open("/t/acme/calls/"), "supervisor@acme.example", demo.PASSWORD)
    expect(me.page).to_have_url(f"{me.origin}/t/acme/calls/")
    me.page.locator("button.user").click()
    me.page.get_by_role("button", name="Sign out", exact=True).click()
    expect(me.page).to_have_url(f"{me.origin}/sign-in/")
    me.page.goto("/t/acme/calls/")
    expect(me.page).to_have_url(f"{me.origin}/sign-in/?next=/t/acme/calls/")
    _fill(me.open("/sign-in/?next=//evil.example/"), "supervisor@acme.example", demo.PASSWORD)
    expect(me.page).to_have_url(f"{me.origin}/t/acme/live/")


def test_who_signed_out_finds_nothing_behind_the_back_button(seat, ring):
    me = seat("")
    line = ring()
    _fill(me.open(line.path), "supervisor@acme.example", demo.PASSWORD)
    expect(me.page.locator("[data-part=lines]")).to_be_attached()
    me.page.locator("button.user").click()
    me.page.get_by_role("button", name="Sign out", exact=True).click()
    expect(me.page.get_by_role("heading", name="Sign in")).to_be_visible()
    me.page.go_back()
    expect(me.page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(me.page.locator("[data-part=lines]")).to_have_count(0)


def test_members_of_two_tenants_choose(seat, strangers):
    me = seat("")
    _fill(me.open("/"), TWO_DOORS, demo.PASSWORD)
    choices = me.page.locator(".choices a")
    expect(choices).to_have_count(2)
    me.page.get_by_role("link", name="Globex Travel").click()
    expect(me.page).to_have_url(f"{me.origin}/t/globex/live/")
    me.page.get_by_role("link", name="Calls").click()
    me.page.get_by_title("Switch tenant").click()
    me.page.get_by_role("navigation", name="Tenants").get_by_role("link", name="Acme Health").click()
    expect(me.page).to_have_url(f"{me.origin}/t/acme/calls/")


def test_who_has_no_tenant_reads_why(seat, strangers):
    me = seat("")
    _fill(me.open("/"), OUTSIDER, demo.PASSWORD)
    expect(me.page.get_by_role("heading", name="No tenant yet")).to_be_visible()
    expect(me.page.get_by_text(f"Your account, {OUTSIDER}, is not a member")).to_be_visible()


def test_the_theme_changes_in_place_and_stays(seat):
    me = seat("admin", "globex")
    page = me.live()
    page.locator("[data-find]").fill("half-typed")
    of_the_system = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        of_the_system[scheme] = page.evaluate(GROUND)
    assert of_the_system["light"] != of_the_system["dark"]
    for theme, other in (("dark", "light"), ("light", "dark")):
        page.emulate_media(color_scheme=other)
        page.locator("button.user").click()
        with page.expect_response("**/preferences/"):
            page.get_by_role("button", name=theme.capitalize(), exact=True).click()
        expect(page.get_by_role("button", name=theme.capitalize(), exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
        wait_until(lambda theme=theme: page.evaluate(GROUND) == of_the_system[theme], LIMIT_S, f"the {theme} ground")
        page.keyboard.press("Escape")
        expect(page.locator("#user-menu")).to_be_hidden()
        expect(page.locator("[data-find]")).to_have_value("half-typed")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_who_is_no_member_finds_nothing(seat, ring):
    theirs = ring(tenant="acme")
    me = seat("owner", "globex")
    me.complaints.expect("status of 404")
    for path in (theirs.path, theirs.path.replace("acme", "globex"), "/t/acme/live/", "/t/acme/calls/"):
        answer = me.page.goto(path)
        assert answer is not None
        assert answer.status == 404
        expect(me.page.get_by_role("heading", name="There is nothing here")).to_be_visible()
        assert theirs.code not in me.page.content()


def test_an_analyst_sees_a_call_and_has_no_control_of_it(seat, ring, rig):
    line = ring()
    me = seat("analyst")
    page = me.call(line)
    expect(page.locator("[data-part=lines] [data-speaker=agent]").first).to_be_visible()
    expect(page.locator("[data-reason]")).to_contain_text("Your role, analyst, may watch this call, not steer it.")
    needing = page.locator("[data-needs]")
    assert needing.count() >= 4
    assert needing.evaluate_all("all => all.every((one) => one.disabled)")
    # Keys are no way around it either.
    for key in (".", "x"):
        page.keyboard.press(key)
    expect(page.locator("#transfer")).to_be_hidden()
    page.keyboard.press("w")
    page.locator("textarea[name=text]").fill("Let me in.")
    page.keyboard.press("Control+Enter")
    # A form that was tampered with reaches the server, which refuses.
    me.complaints.expect("status of 403")
    with page.expect_navigation():
        page.evaluate("() => document.querySelector('form[data-command=hang_up]').submit()")
    expect(page.get_by_role("heading", name=exactly("Your role does not include this"))).to_be_visible()
    expect(page.get_by_text("Your role here is analyst.")).to_be_visible()
    assert (
        rig.rows("select verb from calls_command k join calls_call c on c.id = k.call_id where c.code = %s", line.code)
        == []
    )


def test_what_was_typed_into_a_form_outlives_an_ended_session(seat, rig):
    me = seat("")
    _fill(me.open("/t/acme/agents/"), "admin@acme.example", demo.PASSWORD)
    follow(me.page, me.page.get_by_role("link", name="Nora, billing").click)
    words = me.page.get_by_label("Instructions", exact=False).first
    before = words.input_value()
    words.fill("Long thought about, and not to be lost.")
    address = me.page.url
    session = next(one["value"] for one in me.context.cookies() if "session" in one["name"])
    assert rig.rows("delete from django_session where session_key = %s returning 1", session)
    me.page.get_by_role("button", name="Save as draft").click()
    expect(me.page.get_by_text("Your session ended before the form arrived")).to_be_visible()
    _fill(me.page, "admin@acme.example", demo.PASSWORD)
    expect(me.page).to_have_url(address)
    expect(words).to_have_value("Long thought about, and not to be lost.")
    expect(me.page.get_by_text("Your text is back")).to_be_visible()
    # Only once: it was nothing but a rescue.
    me.page.reload()
    expect(words).to_have_value(before)
    expect(me.page.get_by_text("Your text is back")).to_be_hidden()
    assert me.page.evaluate("sessionStorage.getItem('kept-form')") is None
