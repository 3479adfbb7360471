"""The page and its server lose one another: nothing typed is lost, nothing said is missing, and the page says so."""

from __future__ import annotations

import pytest
from playwright.sync_api import WebSocketRoute, expect

from calls.live import protocol
from tests.browser.chromium import AWAY
from tests.browser.people import lines, pill
from tests.rig.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.browser

KEEP_SOCKETS = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); window.sockets.push(this); }
};
"""
CLOSE = """() => {
  const pill = document.querySelector("[data-pill]");
  window.phases = [];
  new MutationObserver(() => phases.push(pill.dataset.phase)).observe(pill, { attributeFilter: ["data-phase"] });
  sockets.at(-1).close();
}"""


def test_a_page_puts_frames_together_that_came_in_pieces(seat, ring, monkeypatch):
    """As a server sends what is longer than a frame may be (tests/live/test_protocol.py); here every frame is."""
    monkeypatch.setattr(protocol, "PIECE_LIMIT", 40)
    sent = []

    def cut(frame: str) -> None:
        sent.append(list(protocol.pieces(frame)))
        for piece in sent[-1]:
            between.send(piece)

    def serve(socket: WebSocketRoute) -> None:
        nonlocal between
        between = socket
        socket.connect_to_server().on_message(cut)

    between: WebSocketRoute
    line = ring("two_turn", speed=4)
    me = seat()
    me.page.route_web_socket("**/feed/**", serve)
    page = me.call(line)
    line.settle()
    expect(page.locator("[data-part=head] [data-f=word]")).to_have_text("Ended")
    shown = lines(page, ".turn").evaluate_all("all => all.map((line) => line.querySelector('.words').textContent)")
    assert len(shown) == len(line.stored_turns())
    assert len(sent) > 5
    assert min(len(one) for one in sent) > 1


def test_a_page_has_every_turn_after_its_server_was_killed(seat, ring, rig):
    line = ring("talking", speed=4)
    me = seat()
    me.complaints.expect(*AWAY)
    page = me.call(line)
    expect(lines(page, ".turn").first).to_be_visible()
    page.locator("textarea[name=text]").fill("half a sen")
    page.locator("textarea[name=text]").press("End")
    rig.web.kill()
    expect(pill(page)).to_have_attribute("data-phase", "waiting")
    expect(pill(page)).to_contain_text("Reconnecting")
    before = len(line.stored_turns())
    page.keyboard.type("tence")
    page.get_by_role("button", name="Inform the model", exact=True).click()
    expect(page.locator("#steer-error")).to_have_text("The server was not reached. Your text is kept; send again.")
    wait_until(lambda: len(line.stored_turns()) >= before + 2, LIMIT_S, "the talk to go on without a page")
    expect(page.locator("html")).to_have_attribute("data-stale", "")
    expect(page.locator("[data-alert]")).to_have_text("The connection is lost. What you see is getting old.")
    opened = page.evaluate("performance.timeOrigin")
    rig.web.start()
    expect(pill(page)).to_have_attribute("data-phase", "live")
    expect(page.locator("html")).not_to_have_attribute("data-stale", "")
    expect(page.locator("[data-alert]")).to_be_empty()
    expect(page.locator("textarea[name=text]")).to_have_value("half a sentence")
    assert page.evaluate("performance.timeOrigin") == opened

    line.hang_up()
    line.settle()
    expect(page.locator("[data-part=head] [data-f=word]")).to_have_text("Ended")
    stored = [(speaker, status, text) for speaker, status, text, _ in line.stored_turns()]
    wait_until(lambda: lines(page, ".turn").count() == len(stored), LIMIT_S, "every turn")
    shown = lines(page, ".turn").evaluate_all(
        """all => all.map((line) => [line.dataset.speaker, line.dataset.status,
             line.querySelector("[data-f=plain]").textContent + line.querySelector("s").textContent])"""
    )
    assert [tuple(one) for one in shown] == stored
    assert rig.differences(line.call_id) == []


def test_a_lost_socket_is_opened_again_and_what_is_typed_stays(seat, ring):
    line = ring(speed=4)
    me = seat()
    me.context.add_init_script(KEEP_SOCKETS)
    page = me.call(line)
    text = page.locator("textarea[name=text]")
    text.focus()
    page.keyboard.type("Before, ")
    page.evaluate(CLOSE)
    page.keyboard.type("meanwhile, ")
    # It waits for half a second at most.
    wait_until(lambda: page.evaluate("phases.includes('waiting') && phases.at(-1) === 'live'"), what="another socket")
    page.keyboard.type("after.")
    expect(text).to_be_focused()
    expect(text).to_have_value("Before, meanwhile, after.")
    assert page.evaluate("sockets.length") == 2
    before = lines(page).count()
    wait_until(lambda: lines(page).count() > before, LIMIT_S, "another line")


def test_signed_out_in_another_tab_is_said(seat, ring):
    line = ring()
    me = seat("")
    me.sign_in()
    page = me.call(line)
    page.locator("textarea[name=text]").fill("Not sent yet.")
    other = me.live(me.context.new_page())
    other.locator("button.user").click()
    other.get_by_role("button", name="Sign out", exact=True).click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="Inform the model", exact=True).click()
    expect(page.locator("#steer-error")).to_have_text("You are signed out. Sign in in another tab, then send again.")
    expect(page.locator("textarea[name=text]")).to_have_value("Not sent yet.")
    expect(pill(page)).to_have_text("Signed out. Sign in again to go on.")
    expect(pill(page)).to_have_attribute("data-phase", "closed")
    expect(page.locator("[data-alert]")).to_have_text("Signed out. Sign in again to go on.")
