"""Who comes to the console for the first time and has read nothing: by what stands on the screen alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import entry, lines

pytestmark = pytest.mark.browser


def _arrive(seat, rig, role: str) -> Page:
    """By the link that a start prints, then one button."""
    guest = seat("")
    page = guest.open(rig.manage("sign_in_link", f"{role}@acme.example").strip().removeprefix(guest.origin))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/t/acme/**")
    page.locator("html[data-ready]").wait_for(state="attached")
    return page


def test_a_supervisor_finds_the_call_that_needs_help_helps_it_and_hangs_another_up(seat, ring, rig):
    other, needing = ring("waiting"), ring("asks_for_person")
    page = _arrive(seat, rig, "supervisor")

    # What needs somebody stands beside and before the rest, with its reason.
    card = page.get_by_role("region", name=re.compile("^Needs you")).locator(f'[data-code="{needing.code}"]')
    expect(card).to_contain_text("Act now")
    expect(card).to_contain_text("Asks for a person")
    expect(needing.row(page)).to_contain_text("Asks for a person")
    card.get_by_role("link").click()

    expect(lines(page).first).to_be_visible()
    page.get_by_label("What the agent is to be told").fill("A colleague calls back within the hour.")
    page.get_by_role("button", name="Inform the model").click()
    expect(entry(page, "A colleague calls back within the hour.")).to_contain_text("confirmed")
    expect(lines(page, "[data-speaker=agent]").filter(has_text="A colleague calls back")).to_be_visible()

    # Helped: it needs nobody any more. The other one is ended.
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Live").click()
    expect(needing.row(page)).not_to_contain_text("Asks for a person")
    other.row(page).get_by_role("link").click()
    page.get_by_role("button", name="Hang up", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Hang up").click()
    expect(page.locator("[data-part=head]")).to_contain_text("Ended")
    assert rig.wait_for_state(other.call_id, "ended") == "ended"
    assert rig.provider.requests(other.call_id, "hangup")
