"""`make screenshots`: every page of the table (tests/rig/pages.py) in both themes and three widths, from seeded data.

Starts a product of its own with a week of past calls and a crowd that calls now, always the same people. Pictures go to
build/screenshots/; those of the README are written over.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from realtime_ops import command_lines, env
from tests.browser import chromium
from tests.browser.chromium import settled
from tests.rig import machine
from tests.rig.browser import Browser as Visitor
from tests.rig.machine import Plan, Rig
from tests.rig.pages import NOBODY, PLACES, STAFF, Place
from tests.rig.waiting import wait_until
from tests.rig.world import World

THEMES = ("light", "dark")
SIZES = {1440: 900, 1024: 900, 390: 844}
"""Width and height; below the fold stays out, as on a screen"""
README = {"live-1440-dark": "live.png", "call-live-1440-dark": "call.png"}
CROWD = 34
DAYS = 8
TALK_S = 75
"""So long the crowd talks before the first picture: lanes and transcripts have something in them"""
SEED = 20
ABSENT = Place("not-found", "", "/t/nowhere/live/", ("analyst",))
REFUSED = Place("forbidden", "connect", "/t/{slug}/connect/", ("analyst",))


def main() -> int:
    executable = chromium.found()
    if not executable:
        sys.stderr.write("No Chromium is installed: `make browser` installs it; CHROMIUM=/path names one.\n")
        return 1
    out = env.BASE_DIR / "build" / "screenshots"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    directory = Path(tempfile.mkdtemp(prefix="ro-pictures-"))
    try:
        with machine.rig(directory, Plan(jobs=True)) as rig, chromium.running(executable) as browser:
            _fill(rig)
            faults = _take(rig, browser, out)
            rig.problems()  # pages that are refused are no problem here
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    for name, copy in README.items():
        shutil.copy(out / f"{name}.png", env.BASE_DIR / "docs" / "screenshots" / copy)
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    sys.stdout.write(f"{len(list(out.glob('*.png')))} pictures in {out}\n")
    return 1 if faults else 0


def _fill(rig: Rig) -> None:
    """A past, then people who call now."""
    sample = [*command_lines.sample(staff=True), "--days", str(DAYS)]
    subprocess.run(sample, env=rig.environment, check=True, timeout=600)
    rig.handles["simulator"].stop()
    crowd = ["--calls", str(CROWD), "--loop", "--seed", str(SEED), "--spread", "20", "--troubled", "3"]
    rig.add("simulator", [*command_lines.simulator(rig.provider.port, rig.directory / "accounts.json"), *crowd])
    wait_until(rig.provider.healthy, 20, "the simulator")
    wait_until(lambda: _talking(rig) >= CROWD * 0.8, 90, "the crowd")
    time.sleep(TALK_S)


def _talking(rig: Rig) -> int:
    return int(rig.rows("select count(*) from calls_call where attachment = 'attached' and ended_at is null")[0][0])


def _world(rig: Rig) -> World:
    """The longest call of now and one of the past days, both of the tenant that is pictured."""
    said = "(select count(*) from calls_turn u where u.call_id = c.id)"
    query = (
        "select c.code from calls_call c join calls_tenant t on t.id = c.tenant_id where t.slug = 'acme' and {} limit 1"
    )
    live = query.format(f"c.state = 'active' and c.attachment = 'attached' order by {said} desc")
    finished = query.format(f"c.state = 'ended' and c.started_at < now() - interval '1 day' order by {said} desc, c.id")
    return World.of(rig, str(rig.rows(finished)[0][0]), str(rig.rows(live)[0][0]), word="card")


def _take(rig: Rig, browser: Browser, out: Path) -> list[str]:
    faults = []
    world = _world(rig)
    for place in (*PLACES, ABSENT, REFUSED):
        path = world.path(place)
        with _seated(rig, world, browser, place) as page:
            answer = page.goto(path)
            if answer is None or answer.status >= 500 or (answer.status >= 400 and place not in (ABSENT, REFUSED)):
                # A row of the table whose page is not there is told, and does not stop the others.
                faults.append(f"{place.key}: {answer.status if answer else 'no answer'} at {path}")
                continue
            for theme in THEMES:
                for width, height in SIZES.items():
                    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                    page.set_viewport_size({"width": width, "height": height})
                    page.goto(path)
                    page.locator("html[data-ready]").wait_for(state="attached")
                    page.wait_for_timeout(1_200 if place.key in {"live", "call-live"} else 300)
                    settled(page)
                    page.screenshot(path=out / f"{place.key}-{width}-{theme}.png")
    return faults


@contextmanager
def _seated(rig: Rig, world: World, browser: Browser, place: Place) -> Iterator[Page]:
    origin = f"http://127.0.0.1:{rig.port}"
    context = browser.new_context(base_url=origin, locale="en-GB", timezone_id="Europe/London")
    if place.sitter != NOBODY:
        visitor: Visitor = world.staff() if place.sitter == STAFF else rig.person(place.sitter)
        cookies = [{"name": name, "value": value, "url": origin} for name, value in visitor.cookies.items()]
        context.add_cookies(cookies)  # type: ignore[arg-type]
    try:
        yield context.new_page()
    finally:
        context.close()


if __name__ == "__main__":
    raise SystemExit(main())
