"""Faults of the provider: sockets that break, handshakes that fail, accepts of unknown outcome, frames of nonsense."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults import checks
from tests.faults.fault import Verdict, fault
from tests.faults.histories import Histories
from tests.faults.scene import Scene

PEAK_DIALS = 60
"""A second, of both workers; each has 20 doors for redials"""


@fault("F26", "every socket reset at once", "dialled again with jitter under the same lease")
def all_reset(scene: Scene) -> Verdict:
    before = len(scene.talking())
    scene.rig.provider.fault("close_1006", reset=True)
    scene.hold(2)
    scene.wait_until_watched()

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.nobody_took_over(scene, histories)
        dials = [
            line["at"] for line in histories.ledger.http if line["verb"] == "dial" and line["at"] > scene.injected_at
        ]
        scene.figures |= {"sockets_reset": before, "peak_dials_per_s": checks.peak_per_second(dials)}

    return verdict
