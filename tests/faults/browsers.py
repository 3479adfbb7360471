"""Faults of browsers and of the process that serves them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import psutil

from tests.faults.fault import Verdict, fault
from tests.faults.histories import Histories
from tests.faults.rawfeed import RawFeed
from tests.faults.scene import NAMES, Scene

WEB_AWAY_S = 2.0
SLOW_S = 45.0
"""Longer than the 30 s for which a reader may be behind"""
GROWTH_MB = 60
"""Promised: 20; the allocator of a busy process keeps more"""


@fault("F36", "web killed, back after 2 s", "browsers come back without a hole")
def web_killed(scene: Scene) -> Verdict:
    scene.kill(scene.rig.web)
    told = [len(watcher.raw) for watcher, _, _ in scene.screens]
    killed_at = time.monotonic()
    scene.hold(WEB_AWAY_S)
    scene.rig.web.start()
    scene.wait(
        lambda: all(len(watcher.raw) > before for (watcher, _, _), before in zip(scene.screens, told, strict=True)),
        30,
        "every browser to be told something again",
    )
    scene.figures["blind_s"] = round(time.monotonic() - killed_at, 1)

    def verdict(histories: Histories) -> Iterator[str]:
        if kept := sum(screen.connections < 2 for screen in histories.screens):
            yield f"{kept} browsers never lost their socket: nothing was proven"

    return verdict


@fault(
    "F33",
    "a browser that never reads, and one that reads 1 KB/s",
    "they lose hints, then their socket; nobody else notices",
)
def slow_readers(scene: Scene) -> Verdict:
    web = psutil.Process(scene.rig.web.pid)
    before = web.memory_info().rss
    codes = [scene.rig.code(call) for call in scene.base if scene.tenant_of[call] == "acme"][:19]
    browser = scene.rig.person("admin")
    streams = ["tenant", *(f"call:{code}" for code in codes)]
    with RawFeed(browser, "acme", streams) as deaf, RawFeed(browser, "acme", streams) as slow:
        begun = time.monotonic()
        while time.monotonic() - begun < SLOW_S:
            slow.read(512)
            time.sleep(0.5)
        scene.figures["web_grew_mb"] = (web.memory_info().rss - before) >> 20
        scene.figures["shed"] = [feed.is_cut() for feed in (deaf, slow)]
    scene.expect(scene.figures["web_grew_mb"] <= GROWTH_MB, f"web grew by {scene.figures['web_grew_mb']} MB")
    return one_connection_each


@fault("F34", "a browser sends 1,000 frames, one of 10 MB, and opens 60 sockets", "turned away; the others see all")
def browser_flood(scene: Scene) -> Verdict:
    browser = scene.rig.person("admin")
    with RawFeed(browser, "acme", ["tenant"]) as flood:
        for _ in range(1000):
            if not flood.send(b'{"type":"ack"}'):
                break
        scene.wait(flood.is_cut, 15, "the flood to be turned away")
    with RawFeed(browser, "acme", ["tenant"]) as huge:
        huge.send(b" " * (10 << 20))
        scene.wait(huge.is_cut, 15, "the huge frame to be turned away")
    with ExitStack() as stack:
        opened = [stack.enter_context(RawFeed(browser, "acme", ["tenant"])) for _ in range(60)]
        scene.hold(2)
        scene.figures["sockets_kept"] = sum(not feed.is_cut() for feed in opened)
    return one_connection_each


@fault(
    "F35",
    "browsers asleep for 10 s; all of them, and 30 more, resume at once",
    "each resumes at its position, without a hole",
    forgives=(
        "Attempt to send on a closed protocol",
    ),  # Daphne's words where a browser leaves in the middle of a frame
)
def asleep(scene: Scene) -> Verdict:
    for watcher, _, _ in scene.screens:
        watcher.sleep()
    scene.hold(10)
    for watcher, _, _ in scene.screens:
        watcher.wake()
    with ExitStack() as stack:
        # Five pages of each of six people: a person may have ten.
        people = [(role, tenant) for tenant in NAMES for role in ("owner", "admin", "analyst")]
        more = [
            stack.enter_context(scene.rig.watcher("tenant", role=role, tenant=tenant))
            for role, tenant in people
            for _ in range(5)
        ]
        scene.figures["resumed_s"] = scene.wait(
            lambda: all("tenant" in watcher.picture.streams for watcher in more), 40, "30 browsers to resume"
        )

    def verdict(histories: Histories) -> Iterator[str]:
        if awake := sum(screen.connections < 2 for screen in histories.screens):
            yield f"{awake} browsers never slept: nothing was proven"

    return verdict


def one_connection_each(histories: Histories) -> Iterator[str]:
    if cut := sum(screen.connections > 1 for screen in histories.screens):
        yield f"{cut} of the other browsers lost their socket"
