"""Faults on the way of a webhook: many times, out of order, too late, forged."""

from __future__ import annotations

import collections
from collections.abc import Iterator

from tests.faults import checks
from tests.faults.fault import Verdict, fault
from tests.faults.histories import Histories
from tests.faults.scene import Scene

COPIES = 100


@fault("F22", "each webhook 100 times in parallel", "one row, one accept, every delivery answered 200")
def hundredfold(scene: Scene) -> Verdict:
    arrived = scene.arrive(2, faults=[{"name": "webhook_doubled", "copies": COPIES}])
    scene.rig.wait_until_attached(*arrived, limit=30)
    scene.wait(lambda: _deliveries(scene, arrived) >= COPIES * len(arrived), 60, "every delivery to be answered")

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.all_announced(histories, arrived)
        first = collections.Counter(
            line["status"] for line in histories.ledger.webhooks if line["call_id"] in arrived and line["attempt"] == 1
        )
        scene.figures["first_answers"] = {str(status): times for status, times in first.items()}
        for call in arrived:
            taken = sum(1 for line in histories.ledger.webhooks if line["call_id"] == call and line["status"] == 200)
            if taken != COPIES:
                yield f"{taken} of {COPIES} deliveries of {call} were taken"

    return verdict


def _deliveries(scene: Scene, ids: list[str]) -> int:
    """Deliveries that were taken."""
    return sum(line["status"] == 200 for call in ids for line in scene.rig.provider.lines("webhook", call))
