"""What only time tells. Begun some tests before (early.py; test_pages asks for it); alone, these wait half a minute."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.people import entry, lines
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.browser

LIMIT_S = 120.0


@pytest.fixture(autouse=True)
def _nobody_complains(early, rig):
    yield
    assert early.complaints() == []


def test_a_call_that_ended_is_dimmed_and_goes(early):
    seen = wait_until(
        lambda: found if (found := early.live.evaluate("seen"))[-1]["row"] is None else None, LIMIT_S, "the row to go"
    )
    over = [one for one in seen if one["row"] and one["row"][0]]
    assert over[-1]["row"][1] == "The caller hung up, or the provider ended the call"
    [[ended]] = early.rig.rows(
        "select extract(epoch from ended_at)::float8 from calls_call where code = %s", early.leaving.code
    )
    assert seen[-1]["at"] / 1_000 - ended > 29, "half a minute to read it"
    line = early.stuck
    assert line.row(early.live).count() == 1, "who still talks stays"


def test_a_call_whose_provider_fell_silent_may_have_ended(early):
    def told() -> list[list[object]]:
        return [one for one in early.silent_page.evaluate("seen") if one[0] == "silent"]

    silent = wait_until(told, LIMIT_S, "the silence to be told")
    assert all(re.match(r"May have ended: last event [1-9]\d s", str(news)) for _, news, _ in silent[:3]), silent[:3]
    assert any(veiled for _, _, veiled in silent)
    # The product finds out by itself, and says what it did not hear.
    expect(lines(early.silent_page, ".gap")).to_contain_text("Not watched", timeout=LIMIT_S * 1000)


def test_a_transfer_that_never_happens_is_not_confirmed(early, rig):
    chip = entry(early.stuck_page, "Transfer").locator(".chip")
    expect(chip).to_have_attribute("data-state", "not_confirmed", timeout=LIMIT_S * 1000)
    expect(chip).to_contain_text("not confirmed")
    expect(chip.locator("[data-f=detail]")).not_to_be_empty()
    assert [one["status"] for one in rig.provider.requests(early.stuck.call_id, "refer")] == [200]
    assert rig.state(early.stuck.call_id) == "active", "the caller is still on the line"
    expect(early.stuck_page.get_by_role("button", name="Transfer…")).to_be_enabled()
