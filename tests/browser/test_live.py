"""The Live page: calls come, talk, need somebody, end and go; the list holds still under the hand."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import go, lines, pill
from tests.rig.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.browser

CHANGES = re.compile(r"^\d+ changes?$")
NEEDED = re.compile(r"^\(\d+!\) Live · Globex Travel · Realtime Ops$")

# Of one row: every state and every text of its words that was painted, in order.
RECORD = """(code) => {
  const seen = (window.seen ??= { faces: [], words: [] });
  const note = (list, value) => value && list.at(-1) !== value && list.push(value);
  const look = () => {
    const row = document.querySelector(`tr.row[data-code="${code}"]`);
    note(seen.faces, row?.dataset.face);
    note(seen.words, row?.querySelector("[data-f=words]").textContent);
  };
  new MutationObserver(look).observe(document.querySelector("[data-rows]"), {
    childList: true, subtree: true, characterData: true, attributes: true,
  });
  look();
}"""

# The order of a list under a pointer that does not move: at once, after 59 and after 60 seconds.
PARKED = """async () => {
  const { name } = performance.getEntriesByType("resource").find((one) => one.name.includes("/js/live/list."));
  const { StillList } = await import(name);
  const list = document.createElement("div");
  for (const code of ["a", "b"]) {
    list.append(document.createElement("p"));
    list.lastChild.dataset.code = code;
  }
  document.body.append(list);
  const [began, now] = [performance.now(), performance.now];
  const still = new StillList(list, () => {});
  const after = (seconds) => {
    performance.now = () => began + seconds * 1_000;
    still.place(["b", "a"]);
    return [...list.children].map((row) => row.dataset.code);
  };
  performance.now = () => began;
  list.dispatchEvent(new PointerEvent("pointerenter"));
  const orders = [after(0), after(59), after(60)];
  performance.now = now;
  list.remove();
  return orders;
}"""


def _order(page: Page) -> list[str]:
    return page.locator("[data-rows] > tr").evaluate_all("rows => rows.map((row) => row.dataset.code)")


def _break(rig, line) -> None:
    """The connection to the call is cut and cannot be had back while it lives: somebody has to look at it."""
    rig.provider.fault("dial_500", call_id=line.call_id, times=10_000)
    rig.provider._ask("POST", f"/calls/{line.call_id}/drop", {})


def test_a_call_appears_talks_and_ends_without_a_reload(seat, ring, rig):
    page = seat(tenant="globex").live()
    before = page.evaluate("performance.timeOrigin")
    line = ring("talking", tenant="globex", speed=4, wait=False)
    row = line.row(page)
    expect(row).to_be_visible()
    page.evaluate(RECORD, line.code)
    seen = wait_until(
        lambda: (
            found
            if (found := page.evaluate("seen"))
            and {"speaking", "listening"} <= set(found["faces"])
            and len(found["words"]) > 5
            else None
        ),
        LIMIT_S,
        "the row to change its state, and its words to stream",
    )
    grown = [
        later for earlier, later in zip(seen["words"], seen["words"][1:], strict=False) if later.startswith(earlier)
    ]
    assert grown, f"words came as a whole only: {seen['words']}"
    expect(page.locator("[data-figure=live]")).not_to_have_text("0")
    rig.provider.hang_up(line.call_id)
    expect(row).to_have_attribute("data-over", "")
    expect(row.locator("[data-f=word]")).to_have_text("Ended")
    expect(row.locator(".lane")).to_have_css("opacity", "0.4")
    expect(row.locator("[data-f=words]")).to_have_text("The caller hung up, or the provider ended the call")
    assert page.evaluate("performance.timeOrigin") == before


def test_last_words_of_a_row_are_no_fragments(seat, ring, rig):
    page = seat(tenant="globex").live()
    line = ring("talking", tenant="globex", speed=6)
    page.evaluate(RECORD, line.code)
    wait_until(lambda: len(line.stored_turns()) >= 9, LIMIT_S, "some turns")
    wait_until(lambda: len(page.evaluate("seen.words")) > 9, what="words to stream")
    line.hang_up()
    line.settle()
    texts = [text for _, _, text, _ in line.stored_turns()]
    shown = page.evaluate("seen.words")
    words = [one for one in shown if one != "The caller hung up, or the provider ended the call"]
    # The beginning of what is being said; of a long turn, its last words, and it says that there is more before them.
    later = [f" {text}" for text in texts]
    assert [
        one
        for one in words
        if not any(text.startswith(one) for text in texts)
        and not (one.startswith("… ") and any(one.removeprefix("…") in text for text in later))
    ] == []


def test_what_needs_somebody_stands_first_and_holds_still_under_the_pointer(seat, ring, rig):
    page = seat(tenant="globex").live()
    calls = [ring("talking", tenant="globex"), ring("talking", tenant="globex", seed=8)]
    for call in calls:
        expect(call.row(page)).to_be_visible()

    calls[0].row(page).hover()
    # From here on the order holds. Which of them is above is the machine's doing: one that is answered late goes up.
    above, below = sorted(calls, key=lambda call: _order(page).index(call.code))
    _break(rig, below)
    expect(below.row(page)).to_have_attribute("data-severity", "warn")
    expect(below.row(page).locator("[data-f=mark]")).to_contain_text("Not watched, attaching again")
    waiting = page.locator("[data-changes]")
    expect(waiting).to_be_visible()
    expect(waiting.locator("[data-f=count]")).to_have_text(CHANGES)
    assert _order(page).index(above.code) < _order(page).index(below.code), "a row moved under the pointer"
    expect(page).to_have_title(NEEDED)
    expect(page.locator("[data-tile=need]")).to_have_attribute("data-need", "")

    # One that is new stands below meanwhile, and moves nothing.
    shown = _order(page)
    third = ring("two_turn", tenant="globex", seed=9)
    expect(third.row(page)).to_be_visible()
    assert _order(page) == [*shown, third.code]

    page.keyboard.press("r")
    expect(waiting).to_be_hidden()
    wait_until(lambda: _order(page)[0] == below.code, LIMIT_S, "the new order")
    assert page.locator("[data-rows] > tr").first.get_attribute("aria-rowindex") == "2"


def test_the_order_is_applied_when_the_pointer_leaves(seat, ring, rig):
    page = seat(tenant="globex").live()
    older = ring("talking", tenant="globex")
    newer = ring("talking", tenant="globex", seed=8)
    expect(newer.row(page)).to_be_visible()
    older.row(page).hover()
    _break(rig, newer)
    expect(page.locator("[data-changes]")).to_be_visible()
    page.mouse.move(5, 5)
    expect(page.locator("[data-changes]")).to_be_hidden()
    wait_until(lambda: _order(page)[0] == newer.code, LIMIT_S, "the new order")


def test_a_pointer_that_is_left_lying_holds_nothing_after_a_minute(seat):
    # A list of its own: a page whose clock jumps by a minute takes its connection for silent, and gets everything anew.
    assert seat().live().evaluate(PARKED) == [["a", "b"], ["a", "b"], ["b", "a"]]


def test_the_waiting_order_is_applied_by_the_pill(seat, ring, rig):
    page = seat(tenant="globex").live()
    older = ring("talking", tenant="globex")
    newer = ring("talking", tenant="globex", seed=8)
    expect(newer.row(page)).to_be_visible()
    older.row(page).hover()
    _break(rig, newer)
    waiting = page.locator("[data-changes]")
    expect(waiting).to_be_visible()

    # On its way to the pill the pointer leaves the rows: what is painted from then on moves none of them either.
    waiting.hover()
    shown = _order(page)
    third = ring("talking", tenant="globex", seed=9)
    expect(third.row(page)).to_be_visible()
    assert _order(page) == [*shown, third.code]
    waiting.click()
    expect(waiting).to_be_hidden()
    wait_until(lambda: _order(page)[0] == newer.code, what="the new order")
    assert page.url.endswith("/t/globex/live/")

    # The pill is gone from under the pointer, and holds nothing any more.
    page.mouse.move(5, 5)
    _break(rig, third)
    wait_until(lambda: _order(page).index(third.code) < _order(page).index(older.code), LIMIT_S, "the new order")
    expect(waiting).to_be_hidden()


def test_one_finds_a_call_by_what_is_known_of_it(seat, ring):
    page = seat("owner", "globex").live()
    ours = ring("talking", tenant="globex", **{"from": "+447700900111"})
    other = ring("talking", tenant="globex", **{"from": "+447700900222"})
    expect(other.row(page)).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("[data-find]")).to_be_focused()
    page.keyboard.type("900111")
    expect(other.row(page)).to_have_count(0)
    expect(ours.row(page)).to_be_visible()
    expect(page.locator("[role=table]")).to_have_attribute("aria-rowcount", "2")
    page.keyboard.type("?!")
    expect(page.locator("[data-nothing]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-find]")).not_to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("[data-find]")).to_have_value("")
    expect(other.row(page)).to_be_visible()


def test_an_address_leads_to_what_it_asks_for(seat, ring):
    me = seat("owner", "globex")
    ours = ring("talking", tenant="globex", **{"from": "+447700900333"})
    other = ring("talking", tenant="globex", **{"from": "+447700900444"})
    page = me.open("/t/globex/live/?q=900333")
    expect(pill(page)).to_have_attribute("data-phase", "live")
    expect(ours.row(page)).to_be_visible()
    expect(other.row(page)).to_have_count(0)


def test_keys_lead_through_list_and_pages(seat, ring):
    me = seat(tenant="globex")
    page = me.live()
    both = [ring("talking", tenant="globex", seed=n) for n in (1, 2)]
    for line in both:
        expect(line.row(page)).to_be_visible()
    focused = "() => document.activeElement.closest('tr')?.dataset.code"
    page.keyboard.press("j")
    wait_until(lambda: page.evaluate(focused), LIMIT_S, "the focus on a row")
    # From now on the list holds still; until then rows of calls that ended before may have left it.
    order = _order(page)
    assert len(order) > 1
    assert page.evaluate(focused) == order[0]
    page.keyboard.press("j")
    wait_until(lambda: page.evaluate(focused) == order[1], LIMIT_S, "the focus on row 1")
    page.keyboard.press("k")
    wait_until(lambda: page.evaluate(focused) == order[0], LIMIT_S, "the focus on row 0")
    page.keyboard.press("k")
    wait_until(lambda: page.evaluate(focused) == order[0], LIMIT_S, "there is nothing above the first")

    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    wait_until(lambda: page.evaluate(focused) == order[0], LIMIT_S, "the dialog gives the focus back")

    page.keyboard.press("Enter")
    page.wait_for_url(f"**/calls/{order[0]}/")
    expect(lines(page).first).to_be_visible()
    page.locator("html[data-ready]").wait_for(state="attached")
    for keys, address in (("gh", "**/t/globex/calls/"), ("gl", "**/t/globex/live/")):
        go(page, keys, address)


def test_keys_do_nothing_inside_a_field(seat, ring):
    page = seat(tenant="globex").live()
    page.locator("[data-find]").focus()
    page.keyboard.type("gh?jkr")
    expect(page.locator("[data-find]")).to_have_value("gh?jkr")
    expect(page.locator("#keys")).to_be_hidden()
    expect(page).to_have_url(re.compile(r"/live/\?q=gh%3Fjkr$"))


def test_calls_of_another_tenant_never_appear(seat, ring):
    me = seat(tenant="acme")
    frames: list[str] = []
    me.page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
    page = me.live()
    theirs = ring("talking", tenant="globex", speed=4)
    ours = ring("talking", tenant="acme", speed=4)
    expect(ours.row(page)).to_be_visible()
    # While both talk: what is over leaves the page of what is live.
    other = me.open("/t/acme/live/", me.context.new_page())
    assert ours.code in other.content()
    assert theirs.code not in other.content()
    theirs.hang_up()
    theirs.settle()
    ours.hang_up()
    expect(ours.row(page)).to_have_attribute("data-over", "")
    assert any(ours.code in frame for frame in frames)
    assert not any(theirs.code in frame or theirs.call_id in frame for frame in frames)
    me.open("/t/acme/calls/")
    assert ours.code in page.content()
    assert theirs.code not in page.content()
