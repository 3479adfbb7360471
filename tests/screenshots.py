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
from contextlib import contextmanager, nullcontext
from pathlib import Path

import psycopg
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
MOVING = ("call-live", "live")
CROWD = 34
DAYS = 8
TALK_S = 75
"""So long the crowd talks before the first picture: lanes and transcripts have something in them"""
SEED = 20
BILLING = "+442079460100"
"""The desk of the call that is pictured"""
ABSENT = Place("not-found", "", "/t/nowhere/live/", ("analyst",))
REFUSED = Place("forbidden", "connect", "/t/{slug}/connect/", ("analyst",))
BROKEN = Place("broken", "calls", "/t/{slug}/calls/", ("analyst",))
CHOOSER = Place("home", "home", "/", ("analyst",))
ADMIN = Place("platform-admin", "", "/admin/", (STAFF,))
ELSEWHERE = (CHOOSER, ADMIN, ABSENT, REFUSED, BROKEN)
STATUSES = {ABSENT: 404, REFUSED: 403, BROKEN: 500}


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
            faults = _take(_world(rig, _fill(rig)), browser, out)
            rig.problems()  # pages that are refused are no problem here
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    for name, copy in README.items():
        shutil.copy(out / f"{name}.png", env.BASE_DIR / "docs" / "screenshots" / copy)
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    sys.stdout.write(f"{len(list(out.glob('*.png')))} pictures in {out}\n")
    return 1 if faults else 0


def _fill(rig: Rig) -> str:
    """A past, then people who call now; returns the code of the call that is pictured."""
    sample = command_lines.sample("past", "--days", str(DAYS))
    subprocess.run(sample, env=rig.environment, check=True, timeout=600)
    # Somebody who may choose between two tenants.
    rig.rows(
        """insert into calls_membership (user_id, tenant_id, role, created_at)
           select u.id, t.id, 'analyst', now() from calls_user u, calls_tenant t
           where u.email = 'analyst@globex.example' and t.slug = 'acme' returning 1"""
    )
    rig.handles["simulator"].stop()
    command = command_lines.simulator(rig.provider.port, rig.directory / "accounts.json")
    command[command.index("calls.simulator")] = "tests.browser.callers"
    crowd = ["--calls", str(CROWD), "--loop", "--seed", str(SEED), "--spread", "20", "--troubled", "3"]
    rig.add("simulator", [*command, *crowd])
    wait_until(rig.provider.healthy, 20, "the simulator")
    wait_until(lambda: _talking(rig) >= CROWD * 0.8, 90, "the crowd")
    call_id = rig.provider.place("pictured", seed=SEED, account=0, to=BILLING)
    code = rig.code(call_id)
    time.sleep(TALK_S * 0.9)
    rig.person("supervisor").command("acme", code, "inform", "The refund was approved this morning.")
    time.sleep(TALK_S * 0.1)
    return code


def _talking(rig: Rig) -> int:
    return int(rig.rows("select count(*) from calls_call where attachment = 'attached' and ended_at is null")[0][0])


def _world(rig: Rig, live: str) -> World:
    """A finished call of a past day: the one in which most was said."""
    query = """select c.code from calls_call c join calls_tenant t on t.id = c.tenant_id
               where t.slug = 'acme' and c.state = 'ended' and c.started_at < now() - interval '1 day'
               order by (select count(*) from calls_turn u where u.call_id = c.id) desc, c.id limit 1"""
    return World.of(rig, str(rig.rows(query)[0][0]), live, word="card")


def _take(world: World, browser: Browser, out: Path) -> list[str]:
    faults = []
    rig = world.rig
    # What moves comes first, while all of it talks.
    for place in sorted((*PLACES, *ELSEWHERE), key=lambda one: one.key not in MOVING):
        path = world.path(place)
        with _seated(rig, world, browser, place) as page, _broken(rig) if place is BROKEN else nullcontext():
            answer = page.goto(path)
            if answer is None or answer.status != STATUSES.get(place, 200):
                # A row of the table whose page is not there is told, and does not stop the others.
                faults.append(f"{place.key}: {answer.status if answer else 'no answer'} at {path}")
                continue
            for theme in THEMES:
                for width, height in SIZES.items():
                    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                    page.set_viewport_size({"width": width, "height": height})
                    page.goto(path)
                    if place is not ADMIN:  # Django's own scripts
                        page.locator("html[data-ready]").wait_for(state="attached")
                    page.wait_for_timeout(1_200 if place.key in MOVING else 300)
                    settled(page)
                    page.screenshot(path=out / f"{place.key}-{width}-{theme}.png")
    return faults


@contextmanager
def _seated(rig: Rig, world: World, browser: Browser, place: Place) -> Iterator[Page]:
    origin = f"http://127.0.0.1:{rig.port}"
    context = browser.new_context(base_url=origin, locale="en-GB", timezone_id="Europe/London")
    if place.sitter != NOBODY:
        tenant = "globex" if place is CHOOSER else "acme"
        visitor: Visitor = world.staff() if place.sitter == STAFF else rig.person(place.sitter, tenant)
        cookies = [{"name": name, "value": value, "url": origin} for name, value in visitor.cookies.items()]
        context.add_cookies(cookies)  # type: ignore[arg-type]
    try:
        yield context.new_page()
    finally:
        context.close()


@contextmanager
def _broken(rig: Rig) -> Iterator[None]:
    """The product may not read who is a member of what."""
    with psycopg.connect(rig.database_url, autocommit=True) as owner:
        owner.execute("revoke select on calls_membership from realtime_ops_app")
        try:
            yield
        finally:
            owner.execute("grant select on calls_membership to realtime_ops_app")


if __name__ == "__main__":
    raise SystemExit(main())
