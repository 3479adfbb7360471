"""The system's Chromium, and what a page of it reported. Downloads nothing and talks to this machine only."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STRANGER = "stranger.example"
"""A name that leads to this machine and that the product does not know"""
FLAGS = (
    "--disable-background-networking",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-first-run",
    "--no-pings",
    "--no-proxy-server",
    f"--host-resolver-rules=MAP {STRANGER} 127.0.0.1,MAP * ~NOTFOUND,EXCLUDE 127.0.0.1,EXCLUDE localhost",
)
AS_ROOT = ("--no-sandbox", "--disable-dev-shm-usage")
AWAY = ("WebSocket connection", "ERR_CONNECTION", "status of 50")
"""What Chromium complains of while the server is away"""
FADES = ("ViewTransition",)
"""Chromium's word for a fade between two pages that was cut short or came late. Nothing of it is missing on the page."""
_TELL_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) => console.error(
  `policy violated: ${event.effectiveDirective} ${event.blockedURI} ${event.sample} ${event.sourceFile}:${event.lineNumber}`,
));
"""


def found() -> str:
    """The path of an installed browser, or nothing."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), "")


@contextmanager
def running(executable: str) -> Iterator[Browser]:
    flags = [*FLAGS, *(AS_ROOT if os.geteuid() == 0 else ())]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        yield browser
        browser.close()


LEFT = "WebSocket is closed before the connection is established"
"""What the browser says of a page that is left while it connects: the page closes the socket on purpose. A handshake that
fails is told in other words"""


class Complaints:
    """Errors on the console, uncaught exceptions and violations of the policy, of all pages of a context."""

    def __init__(self, context: BrowserContext) -> None:
        self._heard: list[str] = []
        self._expected: list[str] = [*FADES, LEFT]
        self._context = context
        context.add_init_script(_TELL_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self._heard.append(f"uncaught: {error.error.message}"))

    def expect(self, *words: str) -> None:
        """A complaint with one of these words is what the test provoked."""
        self._expected += words

    def unexpected(self) -> list[str]:
        for page in self._context.pages:
            settled(page)  # what was complained of is told before the answer
        return [said for said in self._heard if not any(word in said for word in self._expected)]

    def heard(self, words: str) -> list[str]:
        return [said for said in self._heard if words in said]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._heard.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")


def settled(page: Page) -> None:
    """Return after the next painted frame: everything that was due has been drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
