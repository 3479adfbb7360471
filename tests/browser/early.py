"""What takes half a minute by the product's own clocks, begun some tests before those that look at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import expect

from tests.browser.chromium import AWAY
from tests.browser.people import Seat, Switchboard

RECORD_HEAD = """() => {
  const head = document.querySelector("[data-part=head]");
  const page = document.querySelector("[data-module=call]");
  window.seen = [];
  const look = () => seen.push([
    head.dataset.silence ?? "", head.querySelector("[data-f=news]").textContent, page.hasAttribute("data-veiled"),
  ]);
  new MutationObserver(look).observe(page, { subtree: true, attributes: true, childList: true, characterData: true });
}"""
RECORD_ROW = """(code) => {
  window.seen = [];
  const look = () => {
    const row = document.querySelector(`tr.row[data-code="${code}"]`);
    const now = row ? [row.hasAttribute("data-over"), row.querySelector("[data-f=words]").textContent] : null;
    const then = seen.at(-1);
    if (JSON.stringify(then?.row) !== JSON.stringify(now)) seen.push({ row: now, at: Date.now() });
  };
  new MutationObserver(look).observe(document.querySelector("[data-rows]"), {
    subtree: true, attributes: true, childList: true, characterData: true,
  });
  look();
}"""


class Early:
    """Three pages that are left open: a call that ends, one whose provider falls silent, one that is not transferred."""

    def __init__(self, switchboard: Switchboard) -> None:
        self.seats: list[Seat] = []
        self.leaving = switchboard.ring("waiting")
        self.silent = switchboard.ring("waiting")
        self.stuck = switchboard.ring("waiting", faults=["refer_silent"])
        self.rig = switchboard.rig
        self._switchboard = switchboard
        self.live = self._seat().live()
        expect(self.leaving.row(self.live)).to_be_visible()
        self.live.evaluate(RECORD_ROW, self.leaving.code)
        self.silent_page = self._seat().call(self.silent)
        self.silent_page.evaluate(RECORD_HEAD)
        self.stuck_page = self._seat().call(self.stuck)
        self.leaving.hang_up()
        switchboard.rig.provider.fault("stall", call_id=self.silent.call_id)
        self.stuck_page.get_by_role("button", name="Transfer…").click()
        self.stuck_page.locator("#transfer input[name=text]").fill("tel:+442079460999")
        self.stuck_page.keyboard.press("Enter")
        expect(self.stuck_page.locator("#transfer")).to_be_hidden()

    def complaints(self) -> list[str]:
        return [said for seat in self.seats for said in seat.complaints.unexpected()]

    def _seat(self) -> Seat:
        self.seats.append(self._switchboard.seat("supervisor", "acme"))
        # Other tests kill the server meanwhile.
        self.seats[-1].complaints.expect(*AWAY)
        return self.seats[-1]


@contextmanager
def begun(switchboard: Switchboard) -> Iterator[Early]:
    made = Early(switchboard)
    yield made
    for seat in made.seats:
        seat.leave()
    for line in (made.silent, made.stuck):
        line.hang_up()
