"""Faults of PostgreSQL: gone, for long, full of connections, locked, out of disk, its locks' connections cut."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from realtime_ops import env
from tests.faults import checks, disks
from tests.faults.fault import Skipped, Verdict, fault
from tests.faults.histories import Histories
from tests.faults.scene import Scene
from tests.rig.postgres import Postgres

AWAY = ("Service Unavailable", "OperationalError", "PoolTimeout", "found no database")
"""Django logs each 503 at level error, our pages that they found no database, and Celery each task; while it is away and for a moment
(scene.FORGIVEN_S) after"""
ARRIVALS = 6
DISK_MB = 256


def server(scene: Scene) -> Postgres:
    if env.text("DATABASE_URL"):
        raise Skipped("DATABASE_URL names a server that is not this rig's to stop")
    return Postgres(scene.rig.directory / "pg")


def nothing_changed_hands(scene: Scene, arrived: list[str]) -> Verdict:
    """Leases go on under the same epochs, sockets stay, and what was announced meanwhile arrives."""

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.nobody_took_over(scene, histories)
        yield from checks.no_sideband_was_dropped(scene, histories)
        yield from checks.nothing_was_missed(scene, histories)
        yield from checks.refused_politely(histories)
        yield from checks.all_announced(histories, arrived)

    return verdict


@fault(
    "F16",
    "PostgreSQL crashes, back after 5 s",
    "buffers are stored, same epochs, refused webhooks come again",
    outage_s=5.0,
    forgives=AWAY,
)
def crashed(scene: Scene) -> Verdict:
    postgres = server(scene)
    postgres.stop()
    arrived = scene.arrive(ARRIVALS)
    scene.hold(5)
    postgres.start()
    return nothing_changed_hands(scene, arrived)


@fault(
    "F17",
    "PostgreSQL down for a minute",
    "what was heard is kept and stored; nobody is hung up on",
    outage_s=60.0,
    forgives=AWAY,
    speed=0.8,
)
def down_for_long(scene: Scene) -> Verdict:
    postgres = server(scene)
    postgres.stop()
    scene.hold(57)
    arrived = scene.arrive(ARRIVALS)
    scene.hold(3)
    postgres.start()
    return nothing_changed_hands(scene, arrived)


@fault(
    "F18",
    "no connection left for 8 s",
    "who has a connection goes on; webhooks are taken, or refused and sent again",
    outage_s=8.0,
    forgives=(*AWAY, "too many clients"),
)
def exhausted(scene: Scene) -> Verdict:
    with ExitStack() as stack:
        held = 0
        for _ in range(1000):
            try:
                connection = psycopg.connect(scene.rig.database_url, connect_timeout=5)
            except psycopg.OperationalError:
                break
            stack.callback(connection.close)
            held += 1
        scene.figures["connections_held"] = held
        scene.expect(held, "no connection was left to be taken")
        arrived = scene.arrive(ARRIVALS)
        scene.hold(8)
    return nothing_changed_hands(scene, arrived)


@fault(
    "F19",
    "table of turns locked 12 s",
    "the batch is tried again; leases go on",
    outage_s=12.0,
    forgives=(*AWAY, "LockNotAvailable", "QueryCanceled"),
)
def locked(scene: Scene) -> Verdict:
    with psycopg.connect(scene.rig.database_url) as connection:
        connection.execute("lock table calls_turn in access exclusive mode")
        arrived = scene.arrive(2)
        scene.hold(12)
    return nothing_changed_hands(scene, arrived)


@fault("F50", "the workers' lock connections are cut", "a worker that lives loses no call with its lock", forgives=AWAY)
def locks_cut(scene: Scene) -> Verdict:
    cut = """select count(pg_terminate_backend(pid)) from (
               select distinct l.pid from pg_locks l join pg_stat_activity a using (pid)
               where l.locktype = 'advisory' and l.granted and a.application_name like 'sideband%') held"""
    scene.figures["locks_cut"] = scene.rig.rows(cut.replace("%", "%%"))[0][0]
    scene.expect(scene.figures["locks_cut"] == len(scene.rig.workers), "not every worker held a lock")
    scene.hold(6)
    return nothing_changed_hands(scene, [])


@contextmanager
def small_disk(directory: Path) -> Iterator[None]:
    """A disk of its own for PostgreSQL."""
    with disks.small(directory / "pg", DISK_MB):
        yield


@fault(
    "F20",
    "the disk under PostgreSQL is full for 12 s",
    "writes fail or the server panics; what was heard waits and is stored; who cannot renew lets go in time",
    outage_s=12.0,
    forgives=(*AWAY, "PostgreSQL is silent"),
    ground=small_disk,
)
def disk_full(scene: Scene) -> Verdict:
    postgres = server(scene)
    ballast = postgres.directory / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 16)):
                continue
        except OSError as full:
            scene.expect(full.errno == errno.ENOSPC, f"the disk did not become full: {full}")
    scene.figures["ballast_mb"] = ballast.stat().st_size >> 20
    _use_up_the_log(scene)
    scene.hold(2)
    stored = "select count(*) from calls_callevent"
    before = _count(scene, stored)
    scene.hold(4)
    scene.figures["stored_meanwhile"] = None if before is None else (_count(scene, stored) or before) - before
    arrived = scene.arrive(ARRIVALS)
    scene.hold(6)
    scene.figures["panicked"] = not postgres.running
    scene.expect(
        scene.figures["panicked"] or not scene.figures["stored_meanwhile"], "PostgreSQL still stored on a full disk"
    )
    ballast.unlink()
    postgres.start()

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.refused_politely(histories)
        yield from checks.all_announced(histories, arrived)

    return verdict


def _use_up_the_log(scene: Scene) -> None:
    """Segments of the log that are there already would take what is written for a while."""
    try:
        with psycopg.connect(scene.rig.database_url, autocommit=True) as connection:
            for _ in range(2 * DISK_MB):
                connection.execute("select pg_logical_emit_message(true, 'ballast', repeat('x', 1000000))")
    except psycopg.Error:
        return
    scene.expect(False, "the log found room on a full disk")


def _count(scene: Scene, query: str) -> int | None:
    """None where the server does not answer."""
    try:
        return int(scene.rig.rows(query)[0][0])
    except psycopg.Error:
        return None
