"""Who sits at the browsers and who is on the lines: short words for what the tests do again and again."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from playwright.sync_api import Browser, Locator, Page, TimeoutError, expect

from realtime_ops import demo
from tests.browser.chromium import Complaints
from tests.rig.browser import Browser as Visitor
from tests.rig.machine import Rig
from tests.rig.waiting import LIMIT_S, wait_until

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
TENANTS = ("acme", "globex")
LIMIT_MS = int(LIMIT_S * 1_000)
"""How long anything is waited for. Nothing is said with it of how fast the product is."""

KEYS_MS = 5_000
_ATTENDED = "select 1 from calls_call where call_id = %s and (attachment = 'attached' or ended_at is not null)"

expect.set_options(timeout=LIMIT_MS)


class Seat:
    """A browser of one person: cookies and pages of its own."""

    def __init__(self, browser: Browser, rig: Rig, tenant: str, **options: Any) -> None:
        self.rig = rig
        self.tenant = tenant
        self.origin = f"http://127.0.0.1:{rig.port}"
        self.context = browser.new_context(**{"viewport": WIDE, "base_url": self.origin, "locale": "en-GB"} | options)
        self.context.set_default_timeout(LIMIT_MS)
        self.complaints = Complaints(self.context)
        self.page = self.context.new_page()

    def sign_in(self, role: str = "supervisor") -> None:
        """A session of one's own: ending it ends nobody else's."""
        self.take(Visitor(self.rig.port).sign_in(f"{role}@{self.tenant}.example", demo.PASSWORD))

    def take(self, visitor: Visitor) -> None:
        """Go on with the session of somebody who is signed in."""
        cookies = visitor.cookies.items()
        self.context.add_cookies([{"name": name, "value": value, "url": self.origin} for name, value in cookies])

    def open(self, path: str, page: Page | None = None) -> Page:
        """Open an address and return when its scripts run."""
        page = page or self.page
        page.goto(path)
        page.locator("html[data-ready]").wait_for(state="attached")
        return page

    def live(self, page: Page | None = None) -> Page:
        """The Live page, connected."""
        return self._connected(self.open(f"/t/{self.tenant}/live/", page))

    def call(self, line: Line, page: Page | None = None) -> Page:
        """The page of a live call, connected."""
        return self._connected(self.open(line.path, page))

    def leave(self) -> None:
        self.context.close()

    def _connected(self, page: Page) -> Page:
        expect(pill(page)).to_have_attribute("data-phase", "live")
        return page


class Line:
    """One simulated call."""

    def __init__(self, rig: Rig, tenant: str, call_id: str) -> None:
        self.rig = rig
        self.tenant = tenant
        self.call_id = call_id
        self.code = rig.code(call_id)

    @property
    def path(self) -> str:
        return f"/t/{self.tenant}/calls/{self.code}/"

    def row(self, page: Page) -> Locator:
        return page.locator(f'tr.row[data-code="{self.code}"]')

    def hang_up(self) -> None:
        """The caller hangs up, unless the call is over."""
        if any(one["call_id"] == self.call_id for one in self.rig.provider.live()):
            self.rig.provider.hang_up(self.call_id)

    def wait_for_speech(self) -> None:
        """Until the agent is being played to the caller."""
        told = self.rig.provider
        wait_until(lambda: told.frames(self.call_id, "output_audio_buffer.started"), LIMIT_S, "the agent to speak")

    def settle(self) -> None:
        self.rig.settle(self.call_id)

    def stored_turns(self) -> list[tuple[Any, ...]]:
        """speaker, status, text and heard text of the messages, in their order."""
        query = """select t.speaker, t.status, t.text, t.heard_text from calls_turn t join calls_call c on c.id = t.call_id
                   where c.call_id = %s and t.kind = 'message' order by t.rank, t.item_id"""
        return self.rig.rows(query, self.call_id)

    def provider_turns(self) -> list[str]:
        """Texts of what was said, by the provider's own books."""
        truth = self.rig.provider.truths()[self.call_id]
        return [turn["text"] for turn in truth["turns"] if turn["kind"] == "message"]


class Switchboard:
    """Makes seats and lines."""

    def __init__(self, browser: Browser, rig: Rig) -> None:
        self.browser = browser
        self.rig = rig

    def seat(self, role: str, tenant: str, **options: Any) -> Seat:
        """Signed in as that member; an empty role is nobody."""
        made = Seat(self.browser, self.rig, tenant, **options)
        if role:
            made.take(self.rig.person(role, tenant))
        return made

    def ring(self, scenario: str, *, wait: bool = True, tenant: str = "acme", **order: Any) -> Line:
        call_id = self.rig.provider.place(scenario, account=TENANTS.index(tenant), **{"seed": 7} | order)
        line = Line(self.rig, tenant, call_id)
        if wait:
            # One that is quick may be over before anybody looks.
            wait_until(lambda: self.rig.rows(_ATTENDED, call_id), LIMIT_S, f"{call_id} to be watched")
        return line


def follow(page: Page, act: Callable[[], object]) -> Page:
    """Do what leads to another page; return when that one's scripts run. Until then it is the old page that answers."""
    with page.expect_navigation():
        act()
    page.locator("html[data-ready]").wait_for(state="attached")
    return page


def go(page: Page, keys: str, address: str) -> None:
    """By a destination's keys: again where the second came too late to belong to the first (js/keys.js: 1.2 s)."""

    def arrived() -> bool:
        for key in keys:
            page.keyboard.press(key)
        with suppress(TimeoutError):
            page.wait_for_url(address, timeout=KEYS_MS)
            return True
        return False

    wait_until(arrived, LIMIT_S, f"{keys} to lead to {address}")
    page.locator("html[data-ready]").wait_for(state="attached")


def remembered(said: Locator) -> Callable[[], list[str]]:
    """Every text that this element has from now on: what stands there for a moment only is easily overlooked."""
    said.evaluate(
        """(one) => { const texts = (one.remembered = [one.textContent.trim()]);
             new MutationObserver(() => texts.push(one.textContent.trim()))
               .observe(one, { childList: true, characterData: true, subtree: true }); }"""
    )
    return lambda: list(said.evaluate("(one) => one.remembered"))


def pill(page: Page) -> Locator:
    return page.locator("[data-pill]")


def lines(page: Page, selector: str = "") -> Locator:
    """Lines of the transcript."""
    return page.locator(f"[data-part=lines] > .line{selector}")


def entry(page: Page, words: str) -> Locator:
    """Entries of the call's list of commands that hold these words."""
    return page.locator("[data-part=ledger] > .entry").filter(has_text=words)


def exactly(words: str) -> re.Pattern[str]:
    return re.compile(rf"^\s*{re.escape(words)}\s*$")
