"""Faults of browsers and of the process that serves them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from tests.faults import crowd, figures
from tests.faults.fault import Verdict, fault
from tests.faults.histories import Histories
from tests.faults.rawfeed import RawFeed
from tests.faults.scene import NAMES, Scene

WEB_AWAY_S = 2.0
SLOW_S = 45.0
"""Longer than the 30 s for which a reader may be behind"""
GROWTH_MB = 60
"""Promised: 20; the allocator of a busy process keeps more"""
TOO_SLOW, UNACKED_HINTS = 4408, 200
"""The close code of who does not keep up, and the frames without an acknowledgement after which hints are left out"""
COUNTED_AFTER_S = 6.0
"""A web process says every 5 s what it counts"""
OPENED, PAGES_OF_A_PERSON = 60, 10
SLEEP_S = 45.0
"""Of the matrix' ten minutes: longer only means that more is missed, and then the whole picture is told"""
RESUMING = 500
RESUMED_WITHIN_S = 15.0
"""Promised: 2 s for the 95th of a hundred, on a machine that does nothing else"""
MISSED_LITTLE = 50
"""Entries: few enough to be told one by one"""


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
        if holes := sum(screen.holes for screen in histories.screens):
            yield f"entries were missing on screens {holes} times"

    return verdict


@fault(
    "F33",
    "a browser that never reads, one that reads 1 KB/s, and one that reads and never acknowledges",
    "they lose hints, which is counted, and no entry; then their socket; nobody else notices",
    speed=1.0,
)
def slow_readers(scene: Scene) -> Verdict:
    codes = [scene.rig.code(call) for call in scene.base if scene.tenant_of[call] == "acme"][:19]
    browser = scene.rig.person("admin")
    streams = ["tenant", *(f"call:{code}" for code in codes)]
    left_out, closed = scene.counted("web", "hints_left_out"), scene.counted("web", "readers_closed")
    with (
        scene.grows_at_most(GROWTH_MB, "web"),
        RawFeed(browser, "acme", streams) as deaf,
        RawFeed(browser, "acme", streams) as slow,
        RawFeed(browser, "acme", streams) as hung,
    ):
        begun = time.monotonic()
        while time.monotonic() - begun < SLOW_S and hung.listen(0.5):
            slow.read(512)
        scene.figures["shed"] = {"deaf": deaf.is_cut(), "slow": slow.is_cut(), "hung": hung.closed_with}
    scene.hold(COUNTED_AFTER_S)
    scene.figures["hints_left_out"] = scene.counted("web", "hints_left_out") - left_out
    for wrong in shed_wrongly(scene.figures["shed"], hung.frames, scene.figures["hints_left_out"]):
        scene.expect(False, wrong)
    scene.expect(scene.counted("web", "readers_closed") > closed, "that a reader was closed is not counted")
    return one_connection_each


def shed_wrongly(shed: dict[str, Any], frames: list[dict[str, Any]], left_out: int) -> Iterator[str]:
    """Of readers that do not keep up, by name whether the server ended them (or with which code), what one of them was
    told that reads and never acknowledges, and how many hints the server says that it left out. Pure."""
    for name in ("deaf", "slow"):
        if not shed[name]:
            yield f"the reader that is {name} was never cut"
    if shed["hung"] != TOO_SLOW:
        yield f"the reader that acknowledges nothing was closed with {shed['hung']}"
    hints = [n for n, frame in enumerate(frames) if frame["type"] == "hint"]
    told = [n for n, frame in enumerate(frames) if frame["type"] not in {"heartbeat", "error"}]
    if len(told) <= UNACKED_HINTS:
        yield f"only {len(told)} frames were told: nothing was proven"
    elif late := [n for n in hints if n > told[UNACKED_HINTS]]:
        yield f"{len(late)} hints came after {UNACKED_HINTS} frames without an acknowledgement"
    elif not left_out:
        yield "hints were left out, and none is counted"
    at: dict[str, int] = {}
    for frame in frames:
        if frame["type"] == "snapshot":
            at[frame["stream"]] = frame["seq"]
        for entry in frame["entries"] if frame["type"] == "events" else ():
            if entry["seq"] > at[frame["stream"]] + 1:
                yield f"{frame['stream']} was told {entry['seq']} after {at[frame['stream']]}: an entry was left out"
            at[frame["stream"]] = max(at[frame["stream"]], entry["seq"])


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
    scene.hold(COUNTED_AFTER_S)  # the two above are gone, and counted
    turned_away = scene.counted("web", "turned_away")
    with ExitStack() as stack:
        opened = [stack.enter_context(RawFeed(browser, "acme", ["tenant"])) for _ in range(OPENED)]
        scene.hold(COUNTED_AFTER_S)
        kept = scene.figures["sockets_kept"] = sum(not feed.is_cut() for feed in opened)
        scene.figures["turned_away"] = scene.counted("web", "turned_away") - turned_away
    scene.expect(kept == PAGES_OF_A_PERSON, f"{kept} of {OPENED} pages of one person stayed open")
    scene.expect(scene.figures["turned_away"] == OPENED - kept, f"{scene.figures['turned_away']} are counted")
    return one_connection_each


@fault(
    "F35",
    f"browsers asleep for {SLEEP_S:g} s; all of them, and {RESUMING} more within a second, resume",
    "each is told what it missed from its position on, or all of it; no hole",
    # Daphne's words where a browser leaves in the middle of a frame
    forgives=("Attempt to send on a closed protocol",),
    environment={"FEED_SOCKETS_PER_USER": "100"},
    speed=1.0,
)
def asleep(scene: Scene) -> Verdict:
    positions = {
        tenant: next(one for one in watcher.picture.positions() if one["stream"] == "tenant")
        for watcher, tenant, _ in scene.screens
    }
    people = [(scene.rig.person(role, slug), slug) for slug in NAMES for role in ("owner", "admin", "analyst")]
    for watcher, _, _ in scene.screens:
        watcher.sleep()
    scene.hold(SLEEP_S)
    late = {  # of which less was missed
        tenant: position | {"seq": max(0, _head(scene, tenant) - MISSED_LITTLE)}
        for tenant, position in positions.items()
    }
    for watcher, _, _ in scene.screens:
        watcher.wake()
    resumed = crowd.resume(people, late, RESUMING)
    times = sorted(one.seconds for one in resumed)
    scene.figures |= {
        "resumed_p50_s": figures.quantile(times, 0.5),
        "resumed_p95_s": figures.quantile(times, 0.95),
        "replayed": sum(one.replayed for one in resumed),
    }
    for wrong in resumed_wrongly(resumed):
        scene.expect(False, wrong)

    def verdict(histories: Histories) -> Iterator[str]:
        if awake := sum(screen.connections < 2 for screen in histories.screens):
            yield f"{awake} browsers never slept: nothing was proven"

    return verdict


def _head(scene: Scene, slug: str) -> int:
    query = "select s.last_seq from calls_tenantstream s join calls_tenant t on t.id = s.tenant_id where t.slug = %s"
    return int(scene.rig.rows(query, slug)[0][0])


def resumed_wrongly(resumed: Sequence[crowd.Resumed]) -> Iterator[str]:
    """Pure."""
    times = sorted(one.seconds for one in resumed)
    if late := sum(seconds >= crowd.LIMIT_S for seconds in times):
        yield f"{late} of {len(times)} browsers were told nothing within {crowd.LIMIT_S:g} s"
    if (p95 := figures.quantile(times, 0.95) or 0.0) > RESUMED_WITHIN_S:
        yield f"the 95th of a hundred was told what it missed after {p95:.1f} s"
    if holes := sum(one.holes for one in resumed):
        yield f"{holes} browsers were told their entries with holes"
    if not any(one.replayed for one in resumed):
        yield "nobody was told by entries: nothing was proven"


def one_connection_each(histories: Histories) -> Iterator[str]:
    if cut := sum(screen.connections > 1 for screen in histories.screens):
        yield f"{cut} of the other browsers lost their socket"
