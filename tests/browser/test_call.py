"""The page of a call: words as they come, and everything that happened, the same live and afterwards."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.callers import BEGINNING, CUT, LAST
from tests.browser.people import lines
from tests.rig.waiting import LIMIT_S, wait_until

# The first tests of the folder: what takes long begins with them.
pytestmark = pytest.mark.browser

# Of every turn: each status and text that was painted, in order.
RECORD = """() => {
  const seen = (window.seen = {});
  const look = () => document.querySelectorAll("[data-part=lines] > .turn").forEach((line) => {
    const turns = (seen[line.dataset.key] ??= []);
    const now = [line.dataset.status, line.querySelector("[data-f=plain]").textContent];
    if (turns.length === 0 || turns.at(-1).join() !== now.join()) turns.push(now);
  });
  new MutationObserver(look).observe(document.querySelector("[data-part=lines]"), {
    childList: true, subtree: true, characterData: true, attributes: true,
  });
  look();
}"""
# How many lines there are, and how many of them are said to be new.
NEW = """() => [
  document.querySelectorAll("[data-part=lines] > .line").length,
  Number.parseInt(document.querySelector("[data-part=latest] [data-f=count]").textContent, 10),
]"""
# What a reader sees, line by line.
READ = "all => all.map((line) => line.innerText.replace(/\\s+/g, ' ').trim())"


def _read(page: Page) -> list[str]:
    return list(lines(page).evaluate_all(READ))


def _rings(page: Page) -> None:
    expect(page.locator("[data-part=silent]")).to_have_text("Nothing has been said yet.")
    expect(page.locator("[data-reason]")).to_have_text("The call is not answered yet.")
    expect(page.get_by_role("button", name="Hang up")).to_be_disabled()
    page.evaluate(RECORD)


def test_words_stream_and_become_final(seat, ring, rig):
    # Nobody answers before the page is there.
    [worker] = rig.workers
    worker.pause()
    try:
        line = ring("talking", speed=3, wait=False)
        page = seat().call(line)
        _rings(page)
    finally:
        worker.resume()
    expect(lines(page).first).to_be_visible()
    expect(page.locator("[data-part=silent]")).to_be_hidden()
    expect(page.get_by_role("button", name="Hang up")).to_be_enabled()

    def streamed() -> dict[str, list[str]]:
        """Final texts of the turns that were seen to grow, by speaker."""
        found: dict[str, list[str]] = {}
        for key, painted in page.evaluate("seen").items():
            partial = [text for status, text in painted if status == "open" and text]
            final = [text for status, text in painted if status != "open"]
            if len(partial) > 2 and final and all(final[-1].startswith(text) for text in partial):
                speaker = page.locator(f'[data-key="{key}"]').get_attribute("data-speaker") or ""
                found.setdefault(speaker, []).append(final[-1])
        return found

    words = wait_until(lambda: found if "agent" in (found := streamed()) else None, LIMIT_S, "words to stream")
    assert set(words["agent"]) <= {text for speaker, _, text, _ in line.stored_turns() if speaker == "agent"}
    # Screen readers hear final turns only.
    log = page.locator("[data-part=log]")
    expect(log).to_contain_text(f"Agent: {words['agent'][-1]}")
    painted = [one for turn in page.evaluate("seen").values() for one in turn]
    partials = {text for status, text in painted if status == "open"} - {text for _, _, text, _ in line.stored_turns()}
    assert partials
    assert not {f"Agent: {text}" for text in partials} & set(log.locator("p").all_inner_texts())


def test_everything_that_happened_is_shown_and_stays_after_a_reload(seat, ring, rig):
    line = ring("everything", speed=6)
    me = seat()
    page = me.call(line)
    opened = page.evaluate("performance.timeOrigin")
    line.settle()
    expect(page.locator("[data-part=head] [data-f=word]")).to_have_text("Ended")
    expect(lines(page).last).to_contain_text(LAST)

    cut = lines(page, "[data-status=cut_off]")
    heard, unheard = cut.locator("[data-f=plain]").inner_text(), cut.locator("s").inner_text()
    assert f"{heard}{unheard}" == CUT
    assert unheard
    assert cut.locator("s").evaluate("(tail) => getComputedStyle(tail).textDecorationLine") == "line-through"
    expect(cut.locator("[data-f=flag]")).to_have_text("cut off by the caller")

    expect(lines(page).filter(has_text="This is heard late.")).to_have_attribute("data-status", "completed")
    expect(lines(page, "[data-speaker=caller]").filter(has_text="could not be transcribed")).to_have_count(1)

    tool = lines(page, ".tool")
    expect(tool).to_have_attribute("data-status", "done")
    expect(tool.locator("[data-f=arguments]")).to_be_hidden()
    tool.locator("summary").click()
    # No figure is rounded on its way.
    expect(tool.locator("[data-f=arguments]")).to_have_text('{\n  "number": 4711,\n  "rate": 1.10\n}')
    expect(tool.locator("[data-f=output]")).to_contain_text("94.00 GBP")
    tool.locator("summary").click()

    gap = lines(page, ".gap")
    expect(gap).to_contain_text("Not watched")
    expect(gap).to_contain_text("the connection to the provider was cut")

    assert page.evaluate("performance.timeOrigin") == opened
    expect(page.locator("[data-part=head] [data-f=span]")).to_have_text("Length")
    live = _read(page)
    me.open(line.path)
    assert _read(page) == live, "server and browser tell it differently"
    expect(page.locator("[data-needs], [data-part=controls]")).to_have_count(0)
    expect(page.locator("[data-part=lines] [data-speaker=agent] [data-f=plain]").first).to_have_text(BEGINNING)

    exported = [json.loads(row) for row in rig.exported("transcripts", "jsonl").splitlines()]
    ours = [row for row in exported if row["call_id"] == line.call_id and row["kind"] == "message" and row["text"]]
    shown = page.locator("[data-part=lines] > .turn .words").evaluate_all(
        "all => all.map((words) => words.querySelector('[data-f=plain]').textContent + words.querySelector('s').textContent)"
    )
    assert [text for text in shown if text] == [row["text"] for row in ours]
    assert [row["text"] for row in ours] == [text for text in line.provider_turns() if text]


def test_the_view_follows_until_somebody_reads_further_up(seat, ring):
    line = ring("talking", speed=10)
    page = seat(viewport={"width": 1440, "height": 560}).call(line)
    box = page.locator("[data-part=scroll]")
    below = "(box) => box.scrollHeight - box.scrollTop - box.clientHeight"
    wait_until(lambda: box.evaluate("(box) => box.scrollHeight > 2 * box.clientHeight"), LIMIT_S, "much to read")
    wait_until(lambda: box.evaluate(below) < 48, LIMIT_S, "the newest line")
    expect(page.locator("[data-part=latest]")).to_be_hidden()
    least = box.evaluate("(box) => { box.scrollTop = 0; return box.querySelectorAll('.line').length; }")
    expect(page.locator("[data-part=latest]")).to_be_visible()
    # What came before the page had noticed is not new.
    most = lines(page).count()
    for more in (1, 2):
        wait_until(lambda more=more: lines(page).count() >= most + more, LIMIT_S, "another line")
        there, new = page.evaluate(NEW)
        assert least <= there - new <= most
    assert box.evaluate("(box) => box.scrollTop") == 0
    page.keyboard.press("e")
    wait_until(lambda: box.evaluate(below) < 48, LIMIT_S, "the newest line")
    expect(page.locator("[data-part=latest]")).to_be_hidden()
