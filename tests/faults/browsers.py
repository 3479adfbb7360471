"""Faults of browsers and of the process that serves them."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.faults.fault import Verdict, fault
from tests.faults.histories import Histories
from tests.faults.scene import Scene

WEB_AWAY_S = 2.0


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
