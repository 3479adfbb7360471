"""Faults that reach the spool: PostgreSQL is away, and with it goes a worker, all of them, or the disk under the spool.

In these the workers may keep LITTLE in memory, so that the file is used within seconds of talk.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from calls.simulator.compare import instant
from tests.faults import checks, disks
from tests.faults.database import AWAY, server
from tests.faults.fault import Verdict, fault
from tests.faults.histories import Histories, Row
from tests.faults.scene import Scene
from tests.rig.handles import Handle

LITTLE = {"BACKLOG_CHANGES": "100"}
USED_WITHIN_S = 40.0
IN_MEMORY_S = 15.0
"""So much talk of a dozen calls waits in memory alone, when 100 changes of a worker may (LITTLE); of more calls less"""
ENDS_WITHIN_S = 30.0
"""A worker that is told to go while PostgreSQL is away: promised are 25 s"""
DISK_MB = 8
COLD_S = 6.0
"""Of a product that runs for this fault alone"""
SLACK_S = 1.0
"""What was spooled bears the time of its frame, a gap that of the last frame that is known to be heard"""
NUMBER_DIGITS = 20
"""Of a group's number, at the beginning of a line of the file"""


@dataclass
class Left:
    """What is in the spool of a process that died."""

    calls: set[int] = field(default_factory=set)
    turns: dict[tuple[int, str], str] = field(default_factory=dict)
    """Words that were final, by call and item"""
    bills: set[tuple[int, str]] = field(default_factory=set)
    heard_at: dict[int, float] = field(default_factory=dict)
    """When a call was last heard, of what is there"""

    @property
    def facts(self) -> int:
        return len(self.turns) + len(self.bills)


def read(lines: Iterable[bytes]) -> Left:
    """What whole lines of a spool say, in the order of their numbers; one is cut short by the death. By hand, not by the
    product's own reader."""
    left = Left()
    for line in sorted(line for line in lines if line.endswith(b"\n")):
        for batch in orjson.loads(line[NUMBER_DIGITS:]):
            call = batch["ref"]["id"]
            left.calls.add(call)
            for kind, change in batch["changes"]:
                if kind == "TurnChanged" and _is_final(change["turn"]):
                    left.turns[call, change["turn"]["item_id"]] = change["turn"]["text"]
                elif kind == "UsageRecorded" and change["complete"]:
                    left.bills.add((call, change["ref_id"]))
            heard = batch["columns"].get("last_event_at")
            left.heard_at[call] = max(left.heard_at.get(call, 0.0), instant(heard) or 0.0)
    return left


def _is_final(turn: Row) -> bool:
    """The words of a caller come after the end of their utterance."""
    return turn["status"] == "completed" and turn["transcription"] != "pending"


def not_inherited(left: Left, histories: Histories, entries: Sequence[Row]) -> Iterator[str]:
    """What was in a spool is stored, once, and no gap stands where it says what was heard. `entries`: call, kind, ref
    and how often, of the calls' streams. Pure."""
    names = {row["id"]: call for call, row in histories.stored.calls.items()}
    turns = {(row["call_id"], row["item_id"]): row for row in histories.stored.turns}
    bills = collections.Counter(
        (row["call_id"], row["response_id"] or row["item_id"]) for row in histories.stored.usage
    )
    for (call, item), text in left.turns.items():
        row: Mapping[str, Any] = turns.get((names[call], item), {})
        if (row.get("status"), row.get("text")) != ("completed", text):
            yield f"turn {item} of {names[call]} was in the spool, and is {row.get('status', 'not stored')}"
    for call, ref in left.bills:
        if bills[names[call], ref] != 1:
            yield f"the bill of {ref} was in the spool, and is stored {bills[names[call], ref]} times"
    for entry in entries:
        if entry["times"] > 1 and entry["call"] in left.calls:
            yield f"{names[entry['call']]} was told {entry['times']} times of {entry['kind']} {entry['ref']}"
    for call, heard_at in left.heard_at.items():
        for gap in histories.stored.gaps:
            started, ended = instant(gap["started_at"]) or 0.0, instant(gap["ended_at"]) or 0.0
            if gap["call_id"] == names[call] and started < heard_at - SLACK_S and ended > heard_at + SLACK_S:
                yield f"a gap of {names[call]} begins {heard_at - started:.1f} s before what its spool has"


_TOLD = """
select call_id as call, kind, coalesce(body->>'item_id', body->>'ref_id') as ref, count(*) as times
from calls_callevent where call_id = any(%s) and (kind = 'usage' or kind = 'turn' and body->>'status' = 'completed')
group by call_id, kind, ref, body
"""


def _inherited(scene: Scene, left: Left) -> Verdict:
    scene.figures["spooled"] = left.facts
    scene.expect(left.facts, "no final words and no figures were in a spool: nothing was proven")

    def verdict(histories: Histories) -> Iterator[str]:
        entries = scene.rig.dicts(_TOLD, list(left.calls))
        yield from not_inherited(left, histories, entries)
        yield from checks.refused_politely(histories)
        if spools := list(directory(scene).glob("*.spool")):
            yield f"{len(spools)} spools are left"

    return verdict


def directory(scene: Scene) -> Path:
    return scene.rig.directory / "state" / "spool"


def _owners(scene: Scene, workers: Iterable[Handle]) -> list[str]:
    query = "select owner::text from calls_worker where pid = any(%s)"
    return [row[0] for row in scene.rig.rows(query, [worker.pid for worker in workers])]


def _names(scene: Scene, left: Left) -> set[str]:
    return {row[0] for row in scene.rig.rows("select call_id from calls_call where id = any(%s)", list(left.calls))}


def _has_facts(scene: Scene, owners: Iterable[str]) -> bool:
    return all(_left(scene, [owner]).facts for owner in owners)


def _left(scene: Scene, owners: Iterable[str]) -> Left:
    found = [directory(scene) / f"{owner}.spool" for owner in owners]
    return read(line for path in found if path.exists() for line in path.open("rb"))


@fault(
    "F51",
    "PostgreSQL away for half a minute, little memory, and a worker is told to go",
    "it leaves what it heard in its spool; the other one stores it, once, before it takes the calls",
    forgives=(*AWAY, "changes could not be stored before the end", "did not end in time"),
    environment=LITTLE,
    speed=1.0,
    outage_s=45.0,
)
def told_to_go(scene: Scene) -> Verdict:
    postgres = server(scene)
    victim = scene.busiest()
    owners = _owners(scene, [victim])
    postgres.stop()
    scene.wait(lambda: _has_facts(scene, owners), USED_WITHIN_S, "the spool to be used")
    scene.hold(5)
    scene.terminate(victim)
    scene.figures["ended_s"] = scene.wait(lambda: not victim.alive, ENDS_WITHIN_S, "the worker to end")
    left, dead_at = _left(scene, owners), time.time()
    scene.hold(2)
    postgres.start()
    scene.inherited = {victim.name: (dead_at, _names(scene, left))}
    return _inherited(scene, left)


@fault(
    "F52",
    "PostgreSQL away for half a minute, little memory, and kill -9 of both workers",
    "what was in their spools is stored, once; what was in memory alone lies in a gap",
    forgives=AWAY,
    environment=LITTLE,
    speed=1.0,
    outage_s=45.0,
)
def killed_in_an_outage(scene: Scene) -> Verdict:
    postgres = server(scene)
    owners = _owners(scene, scene.rig.workers)
    scene.deaf = dict.fromkeys(scene.base, IN_MEMORY_S)
    postgres.stop()
    scene.wait(lambda: _has_facts(scene, owners), USED_WITHIN_S, "both spools to be used")
    scene.hold(8)
    for worker in scene.rig.workers:
        scene.kill(worker)
    left, dead_at = _left(scene, owners), time.time()
    scene.hold(5)
    postgres.start()
    scene.inherited = {worker.name: (dead_at, _names(scene, left)) for worker in scene.rig.workers}
    for worker in scene.rig.workers:
        worker.start()
    scene.figures["watched_again_s"] = scene.wait_until_watched(40)
    return _inherited(scene, left)


@contextmanager
def small_spool(ground: Path) -> Iterator[None]:
    """A disk of its own for the spools and the workers' logs."""
    disk = ground / "state" / "spool"
    with disks.small(disk, DISK_MB):
        (ground / "logs").mkdir()
        for number in (1, 2):
            (ground / "logs" / f"sideband-{number}.log").symlink_to(disk / f"sideband-{number}.log")
        yield


@fault(
    "F21",
    "the disk under spools and logs is full while PostgreSQL is away, little memory",
    "the least valuable goes, counted and in a gap; nobody is hung up on",
    forgives=(*AWAY, "no room for what waits", "the spool takes nothing", "No space left", "Logging error"),
    environment=LITTLE,
    ground=small_spool,
    speed=1.0,
    outage_s=30.0,
)
def spool_full(scene: Scene) -> Verdict:
    postgres = server(scene)
    scene.deaf = dict.fromkeys(scene.base, USED_WITHIN_S)  # what is shed was heard
    before = scene.counted("sideband", "dropped")
    ballast = directory(scene) / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 12)):
                continue
        except OSError as full:
            scene.figures["ballast_kb"] = ballast.stat().st_size >> 10
            scene.expect("No space" in str(full), f"the disk did not become full: {full}")
    # Workers that have just started read with a delay; a gap begins when what was shed was read, not when it was sent.
    scene.hold(COLD_S)
    postgres.stop()
    scene.hold(25)
    ballast.unlink()
    postgres.start()
    scene.wait_until_watched()
    scene.hold(3)
    scene.figures["dropped"] = scene.counted("sideband", "dropped") - before

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.nobody_took_over(scene, histories)
        yield from checks.no_sideband_was_dropped(scene, histories)
        yield from checks.refused_politely(histories)
        yield from shed_unmarked(scene.figures["dropped"], histories.stored.gaps)

    return verdict


def shed_unmarked(dropped: int, gaps: Sequence[Row]) -> Iterator[str]:
    """What was shed is counted, and a gap says so; no other gap is needed. Pure."""
    causes = {gap["cause"] for gap in gaps}
    if not dropped:
        yield "nothing was shed, or nothing of it is counted"
    if "not_stored" not in causes:
        yield "no gap says that something was not stored"
    if causes - {"not_stored"}:
        yield f"gaps with other causes: {causes - {'not_stored'}}"
