"""Every page in both themes, wide and narrow: nothing to complain of for browser, policy, axe or layout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import STRANGER
from tests.browser.looks import look as _look
from tests.browser.people import Seat, entry

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("early")]  # which test_slow looks at


def _page(me: Seat, path: str) -> Page:
    me.page.goto(path)
    me.page.locator("html[data-ready]").wait_for(state="attached")
    return me.page


def test_what_is_wrong_is_found(seat):
    """Looks for nothing that it could not find: the policy of the page under test does not switch axe off."""
    page = _page(seat(), "/t/acme/calls/")
    page.evaluate(
        """() => { const wide = document.createElement("p"), blind = document.createElement("button");
             wide.textContent = "x".repeat(900); document.querySelector("main").append(wide, blind); }"""
    )
    found = _look(page, "spoiled", ("dark",))
    assert any("button-name" in one for one in found)
    assert any("overflow" in one for one in found)


def test_the_doors(seat, rig):
    stranger = seat("")
    found = _look(_page(stranger, "/sign-in/"), "sign-in")
    stranger.page.get_by_label("E-mail address").fill("x@y.example")
    stranger.page.get_by_role("button", name="Sign in").click()
    expect(stranger.page.get_by_role("alert").first).to_be_visible()
    found += _look(stranger.page, "sign-in with an error")
    assert found == []


def test_the_chooser(seat):
    me = seat("analyst")
    # The rows of the chooser are the same for one tenant; two are tested at the door.
    me.rig.rows(
        """insert into calls_membership (user_id, tenant_id, role, created_at)
           select u.id, t.id, 'analyst', now() from calls_user u, calls_tenant t
           where u.email = 'analyst@acme.example' and t.slug = 'globex' returning 1"""
    )
    try:
        page = _page(me, "/")
        expect(page.locator(".choices a")).to_have_count(2)
        assert _look(page, "chooser") == []
    finally:
        me.rig.rows(
            """delete from calls_membership m using calls_user u, calls_tenant t where u.id = m.user_id
               and t.id = m.tenant_id and u.email = 'analyst@acme.example' and t.slug = 'globex' returning 1"""
        )


def test_menus_of_the_frame(seat):
    page = _page(seat("admin"), "/t/acme/agents/")
    page.locator("button.user").click()
    found = _look(page, "user menu")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.locator("#commands")).to_be_visible()
    found += _look(page, "command menu")
    assert found == []


def test_live(seat, ring):
    me = seat()
    lines = [ring("talking", seed=n, wait=n == 3) for n in range(4)]
    page = me.live()
    for line in lines:
        expect(line.row(page)).to_be_visible()
    found = _look(page, "Live")
    page.locator("[data-find]").fill("no such thing")
    expect(page.locator("[data-nothing]")).to_be_visible()
    found += _look(page, "Live, nothing found", ("light",))
    page.locator("[data-find]").fill("")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    found += _look(page, "keys", ("dark",))
    assert found == []


def test_calls(seat, ring):
    line = ring("two_turn", speed=20)
    page = _page(seat(), "/t/acme/calls/")
    expect(page.locator(f'a[href="{line.path}"]')).to_be_visible()
    assert _look(page, "Calls") == []


def test_a_live_call(seat, ring):
    line = ring("talking", speed=1.5)
    page = seat().call(line)
    line.wait_for_speech()
    page.locator("textarea[name=text]").fill("For the picture.")
    page.locator("textarea[name=text]").press("Control+Enter")
    expect(entry(page, "For the picture.").locator(".chip")).to_have_attribute("data-state", "confirmed")
    found = _look(page, "live call")
    page.get_by_role("button", name="Hang up").click()
    found += _look(page, "hang up", ("dark",))
    page.locator("#hang-up").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Transfer…").click()
    found += _look(page, "transfer", ("light",))
    assert found == []


def test_a_finished_call(seat, ring):
    line = ring("everything", speed=20)
    line.settle()
    page = _page(seat(), line.path)
    page.locator(".tool summary").click()
    assert _look(page, "finished call") == []


def test_pages_of_problems(seat, ring, rig):
    me = seat("analyst")
    me.complaints.expect("status of 4", "Cross-Origin-Opener-Policy header has been ignored")
    found = []
    page = _page(me, "/t/nowhere/live/")
    expect(page.locator(".code")).to_have_text("404")
    found += _look(page, "404")

    line = ring()
    page = _page(me, line.path)
    with page.expect_navigation():
        page.evaluate("() => document.querySelector('form[data-command=hang_up]').submit()")
    expect(page.locator(".code")).to_have_text("403")
    found += _look(page, "403")

    page = _page(me, line.path)
    with page.expect_navigation():
        page.evaluate(
            """() => { const form = document.querySelector('form[data-command=hang_up]');
                 form.elements.csrfmiddlewaretoken.remove(); form.submit(); }"""
        )
    expect(page.get_by_role("heading", name="This page is too old")).to_be_visible()
    found += _look(page, "403 of an old form", ("dark",))

    page = _page(me, "/preferences/")
    expect(page.locator(".code")).to_have_text("405")
    found += _look(page, "405", ("dark",))

    # Django logs a host that nobody configured as an error.
    rig.forgive("Invalid HTTP_HOST header")
    page = _page(me, f"http://{STRANGER}:{rig.port}/sign-in/")
    expect(page.get_by_role("heading", name="This request could not be read")).to_be_visible()
    found += _look(page, "400", ("light",))
    assert found == []


@contextmanager
def _without_right(rig) -> Iterator[None]:
    """The product may not read who is a member of what."""
    with psycopg.connect(rig.database_url, autocommit=True) as owner:
        owner.execute("revoke select on calls_membership from realtime_ops_app")
        try:
            yield
        finally:
            owner.execute("grant select on calls_membership to realtime_ops_app")


def test_a_page_that_broke(seat, rig):
    me = seat("analyst", "globex")
    me.complaints.expect("status of 500")
    rig.forgive("permission denied", "a page failed", "Internal Server Error", "Traceback")
    with _without_right(rig):
        page = _page(me, "/t/globex/calls/")
        expect(page.get_by_role("heading", name="Something broke on our side")).to_be_visible()
        assert len(page.locator("code").inner_text()) == 8
        assert _look(page, "500") == []
