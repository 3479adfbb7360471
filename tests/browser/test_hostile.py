"""Callers whose words want to be more than words."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.callers import ADDRESS, HOSTILE
from tests.browser.chromium import settled
from tests.browser.people import lines
from tests.rig.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.browser

# Elements that the product's own pages never have, and attributes that run something.
FOREIGN = """() => [...document.querySelectorAll("img, iframe, script:not([type]), object, embed, u, marquee, *")].filter((one) =>
  ["IMG", "IFRAME", "OBJECT", "EMBED", "U", "MARQUEE"].includes(one.tagName) ||
  one.getAttributeNames().some((name) => name.startsWith("on")) ||
  (one.tagName === "SCRIPT" && !one.src && one.type !== "application/json")
).map((one) => one.outerHTML.slice(0, 200))"""
# Tags inside the transcript that its templates do not have.
SHAPE = """() => [...new Set([...document.querySelectorAll("[data-part=lines] *")].map((one) => one.tagName.toLowerCase()))].sort()"""
OURS = {
    "b", "code", "dd", "details", "div", "dl", "dt", "em", "li", "p", "path", "pre", "q", "s", "span", "summary", "svg",
    "time", "use",
}  # fmt: skip
BANNERS = "[data-alert], [role=status], .flash, [data-reason], [data-error]"


def test_hostile_words_are_words(seat, ring):
    line = ring("hostile", speed=20, **{"from": ADDRESS})
    me = seat("owner")
    page = me.call(line)
    calm = page.locator(BANNERS).all_text_contents()
    last = lines(page, ".tool")
    expect(last).to_have_attribute("data-status", "done")
    expect(lines(page, "[data-speaker=caller]")).to_have_count(len(HOSTILE))
    wait_until(
        lambda: not lines(page, "[data-speaker=caller]").filter(has=page.locator("[data-f=waiting]:visible")).count(),
        LIMIT_S,
        "every transcription",
    )
    stored = [text for speaker, _, text, _ in line.stored_turns() if speaker == "caller"]
    # What the product takes out of words (control characters) it takes out before they are stored.
    visible = [words[:400] for words in HOSTILE]
    for words, kept in zip(visible[:3], stored[:3], strict=True):
        assert kept == words
    last.locator("summary").click()
    for title, again in (("live", False), ("after a reload", True)):
        if again:
            me.open(line.path)
        shown = lines(page, "[data-speaker=caller]").locator("[data-f=plain]").all_text_contents()
        assert shown == stored, title
        assert page.evaluate(FOREIGN) == [], title
        assert set(page.evaluate(SHAPE)) <= OURS, title
        assert page.evaluate("document.body.dataset.owned") is None, title
        assert page.locator(BANNERS).all_text_contents() == calm, title
        expect(page.locator("[data-part=lines] > .line")).to_have_count(lines(page).count())
        # Each line says who speaks, and a caller's line cannot become another's.
        assert set(lines(page, "[data-speaker=caller]").locator("[data-f=who]").all_text_contents()) == {"Caller"}
        expect(lines(page, "[data-speaker=operator]")).to_have_count(0)
        expect(lines(page, ".tool").locator("[data-f=output]")).to_contain_text("<script>1</script>")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), title
        # A direction that is left open must end with the words that opened it.
        assert (
            lines(page)
            .locator("[data-f=plain]")
            .evaluate_all(
                "all => all.every((one) => ['isolate', 'isolate-override', 'plaintext'].includes(getComputedStyle(one).unicodeBidi))"
            )
        ), title
    live = me.live()
    row = line.row(live)
    expect(row).to_be_visible()
    assert live.evaluate(FOREIGN) == []
    assert live.evaluate("document.body.dataset.owned") is None
    assert live.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert row.locator("td").count() == 8


def test_hostile_words_of_an_operator_are_words_too(seat, ring):
    line = ring()
    me = seat()
    page = me.call(line)
    line.wait_for_speech()
    page.locator("textarea[name=text]").fill(HOSTILE[1])
    page.locator("textarea[name=text]").press("Control+Enter")
    said = page.locator("[data-part=ledger] > .entry")
    expect(said.locator(".chip")).to_have_attribute("data-state", "confirmed")
    expect(said.locator("[data-f=text]")).to_have_text(HOSTILE[1])
    expect(lines(page, "[data-speaker=operator]").locator("[data-f=plain]")).to_have_text(HOSTILE[1])
    assert page.evaluate(FOREIGN) == []
    me.open(line.path)
    expect(page.locator("[data-part=ledger] [data-f=text]")).to_have_text(HOSTILE[1])
    assert page.evaluate(FOREIGN) == []


def test_the_guard_itself_is_on_and_heard(seat):
    """A policy that nobody would hear breaking proves nothing."""
    me = seat()
    me.complaints.expect("policy violated", "TrustedHTML", "Content Security Policy")
    page = me.live()
    assert (
        page.evaluate("() => { try { document.body.innerHTML = '<b>x</b>'; return 'set' } catch { return 'refused' } }")
        == "refused"
    )
    page.evaluate(
        "() => { const one = document.createElement('img'); one.src = 'https://evil.example/x.png'; document.body.append(one); }"
    )
    wait_until(
        lambda: settled(page) or me.complaints.heard("policy violated: img-src"), LIMIT_S, "the violation to be heard"
    )
    assert me.complaints.heard("policy violated: require-trusted-types-for")
