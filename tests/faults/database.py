"""Faults of PostgreSQL: gone, for long, full of connections, locked, out of disk, its locks' connections cut."""

from __future__ import annotations

from collections.abc import Iterator

from realtime_ops import env
from tests.faults import checks
from tests.faults.fault import Skipped, Verdict, fault
from tests.faults.histories import Histories
from tests.faults.scene import Scene
from tests.rig.postgres import Postgres

AWAY = ("Service Unavailable", "Internal Server Error", "OperationalError", "celery", "beat", "PoolTimeout")
"""Django logs each 5xx at level error, and so do tasks that found no database"""
ARRIVALS = 6


def server(scene: Scene) -> Postgres:
    if env.text("DATABASE_URL"):
        raise Skipped("DATABASE_URL names a server that is not this rig's to stop")
    return Postgres(scene.rig.directory / "pg")


def nothing_changed_hands(scene: Scene, arrived: list[str]) -> Verdict:
    """Leases go on under the same epochs, sockets stay, and what was announced meanwhile arrives."""

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.nobody_took_over(scene, histories)
        yield from checks.no_sideband_was_dropped(scene, histories)
        yield from checks.all_announced(histories, arrived)

    return verdict


@fault(
    "F16",
    "PostgreSQL crashes, back after 5 s",
    "buffers are stored, same epochs, refused webhooks come again",
    forgives=AWAY,
)
def crashed(scene: Scene) -> Verdict:
    postgres = server(scene)
    postgres.stop()
    arrived = scene.arrive(ARRIVALS)
    scene.hold(5)
    postgres.start()
    return nothing_changed_hands(scene, arrived)
