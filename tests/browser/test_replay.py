"""A finished call again, at its true pace, on a clock that the test winds; and the timeline as index of the transcript."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import lines

pytestmark = pytest.mark.browser

READ = "all => all.map((line) => line.innerText.replace(/\\s+/g, ' ').trim())"
PLACE = "[data-part=player] [data-f=position]"


@pytest.fixture(scope="module")
def finished(switchboard):
    """A call with every kind of line in it, over."""
    line = switchboard.ring("everything", speed=4)
    line.settle()
    return line


@pytest.fixture
def page(seat, finished) -> Iterator[Page]:
    """The page of the call, with a clock that stands until it is wound."""
    me = seat()
    me.page.clock.install()
    page = me.open(finished.path)
    page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=30))
    page.clock.run_for(1_000)
    yield page
    page.clock.resume()


def _read(page: Page) -> list[str]:
    return list(lines(page).evaluate_all(READ))


def test_a_finished_call_plays_at_its_true_pace_and_comes_to_the_same_end(page, finished, rig):
    whole = _read(page)
    face = page.locator("[data-part=head] [data-f=word]")
    expect(face).to_have_text("Ended")
    expect(page.get_by_role("button", name="Back to the end")).to_be_hidden()

    page.locator("body").press(" ")
    page.clock.run_for(2_000)
    expect(page.locator(PLACE)).to_have_text("0:02")
    assert len(_read(page)) < len(whole)
    expect(face).not_to_have_text("Ended")
    expect(page.locator("[data-part=head] [data-f=news]")).to_have_text("Replay: as it stood then")
    expect(page.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")

    page.locator("body").press(" ")
    page.clock.run_for(5_000)
    expect(page.locator(PLACE)).to_have_text("0:02")
    page.get_by_text("4×", exact=True).click()
    page.locator("body").press(" ")
    page.clock.run_for(500)
    expect(page.locator(PLACE)).to_have_text("0:04")

    seconds = rig.rows(
        "select extract(epoch from ended_at - answered_at) from calls_call where code = %s", finished.code
    )
    page.clock.run_for(int(float(seconds[0][0]) * 1_000))
    expect(page.get_by_role("button", name=re.compile("^Replay"))).to_be_visible()
    expect(face).to_have_text("Ended")
    assert _read(page) == whole


def test_words_appear_as_they_came(page):
    final = {one for one in lines(page, "[data-speaker=agent]").locator(".words").all_inner_texts() if one}
    page.locator("body").press(" ")
    growing = set()
    for _ in range(40):
        page.clock.run_for(200)
        growing |= set(lines(page, "[data-status=open]").locator("[data-f=plain]").all_inner_texts()) - {""}
    partial = {text for text in growing if any(len(text) < len(whole) and whole.startswith(text) for whole in final)}
    assert len(partial) >= 3


def test_the_timeline_scrubs_by_key_and_by_pointer_and_lets_go_at_the_end(page):
    track = page.get_by_role("slider", name="Turns of this call")
    page.locator("body").press(" ")
    page.clock.run_for(200)
    page.locator("body").press(" ")
    track.focus()
    places = []
    for _ in range(4):
        track.press("ArrowRight")
        page.clock.run_for(100)
        places.append(int(track.get_attribute("aria-valuenow")))
    assert places == sorted(set(places)), "one turn further each time"
    assert track.get_attribute("aria-valuetext").startswith(page.locator(PLACE).inner_text())
    shown = len(_read(page))
    track.press("Home")
    page.clock.run_for(100)
    assert len(_read(page)) < shown

    box = track.bounding_box()
    page.mouse.move(box["x"] + 10, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20, steps=4)
    page.mouse.up()
    page.clock.run_for(100)
    minutes, seconds = page.locator(PLACE).inner_text().split(":")
    length = page.locator("[data-part=player] [data-f=length]").inner_text().split(":")
    half = (int(length[0]) * 60 + int(length[1])) / 2
    assert abs(int(minutes) * 60 + int(seconds) - half) <= 1
    page.get_by_role("button", name="Back to the end").click()
    page.clock.run_for(100)
    expect(page.locator("[data-part=head] [data-f=word]")).to_have_text("Ended")


def test_at_the_end_the_timeline_leads_to_turns(seat, finished):
    page = seat(viewport={"width": 1440, "height": 520}).open(finished.path)
    track = page.get_by_role("slider", name="Turns of this call")
    track.press("Home")
    first = page.locator("[data-part=lines] > [data-here]")
    expect(first).to_be_in_viewport()
    assert first.get_attribute("data-key") == lines(page, "[data-speaker]").first.get_attribute("data-key")
    expect(track).to_have_attribute("aria-valuenow", "0")
    expect(track).to_have_attribute("aria-valuetext", re.compile("^0:0[0-9], Agent: Good morning"))
    page.keyboard.press("End")
    expect(page.locator("[data-part=lines] > [data-here]")).to_contain_text("Goodbye")
    expect(page.locator("[data-part=lines] > [data-here]")).to_be_in_viewport()
    box = track.bounding_box()
    track.click(position={"x": 5, "y": 30})
    expect(page.locator("[data-part=lines] > [data-here]")).to_contain_text("Good morning")
    assert box
    expect(page.locator("[data-bars] .gap")).to_have_count(1)
    expect(page.locator("[data-bars] .agent.cut")).not_to_have_count(0)


def test_ten_thousand_lines_open_and_stay_light(seat, ring, rig):
    line = ring("everything", speed=8)
    line.settle()
    rig.rows(
        """insert into calls_turn (tenant_id, call_id, item_id, rank, kind, speaker, status, text, name, tool_call_id,
                                   arguments, output, response_id, steps, started_at, ended_at)
           select c.tenant_id, c.id, 'many_' || n, 1000 + n, 'message', (array['caller', 'agent'])[n %% 2 + 1], 'completed',
                  'Line number ' || n, '', '', '', '', '', '[]', c.answered_at + n * interval '1 ms',
                  c.answered_at + (n + 1) * interval '1 ms'
           from calls_call c, generate_series(1, 10000) n where c.call_id = %s returning 1""",
        line.call_id,
    )
    page = seat().open(line.path)
    expect(lines(page).last).to_have_text(re.compile("Line number 10000"))
    assert lines(page).count() <= 300
    assert page.locator("[data-bars] rect").count() < 3_000
    page.get_by_role("button", name="Load earlier").click()
    expect(lines(page, '[data-key="turn:many_9500"]')).to_be_visible()
    assert lines(page).count() <= 600
