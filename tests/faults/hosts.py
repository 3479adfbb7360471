"""Faults of hosts and networks: clocks that are wrong, a worker that is cut off from PostgreSQL without a word."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

from tests.faults import checks
from tests.faults.fault import Skipped, Verdict, fault
from tests.faults.histories import Histories
from tests.faults.scene import Scene
from tests.faults.workers import HELD, WATCHED_WITHIN_S
from tests.rig.handles import Handle


@fault(
    "F40",
    "silent partition between a worker and PostgreSQL, 20 s",
    "it drops its calls at 7 s, a peer takes them at 10 s",
    forgives=("PostgreSQL is silent", *HELD),
    speed=1.5,
)
def partitioned(scene: Scene) -> Verdict:
    victim, mine = scene.victim()
    scene.deaf = dict.fromkeys(mine, WATCHED_WITHIN_S)
    door = scene.rig.links.links[f"database {victim.name}"]
    door.silence()
    scene.figures["taken_over_s"] = scene.wait(
        lambda: not (scene.held(victim) & scene.talking()), WATCHED_WITHIN_S, "a peer to take the calls"
    )
    scene.hold(max(0.0, 20 - scene.figures["taken_over_s"]))
    door.heal()

    def verdict(histories: Histories) -> Iterator[str]:
        """Two owners never overlap: the old sockets are gone before anybody else takes the call."""
        taken = {row["call_id"]: row["at"] for row in histories.stored.taken if row["at"] > scene.injected_at}
        for call in mine & taken.keys():
            open_ = 0
            for mark in histories.ledger.marks:
                if mark["call_id"] == call and mark["at"] < taken[call] and mark["state"] in {"attached", "detached"}:
                    open_ = mark["sockets"]
            if open_:
                yield f"{call} still had {open_} sockets when it was taken"

    return verdict


@fault(
    "F39",
    "clocks: a worker 15 min ahead, web 4 and then 6 min behind",
    "leases do not care; beyond 300 s webhooks are refused and that is said",
    forgives=("Service Unavailable", "clock"),
    clocks_agree=False,
)
def wrong_clocks(scene: Scene) -> Verdict:
    library = faketime()
    worker, web = scene.rig.workers[1], scene.rig.web
    steady = scene.held(scene.rig.workers[0])
    _start_anew(scene, worker, library, "+15m")
    scene.wait_until_watched(20)
    _start_anew(scene, web, library, "-4m")
    scene.wait(scene.rig.ready, 30, "web, four minutes behind")
    fine = scene.arrive(2)
    scene.rig.wait_until_attached(*fine, limit=20)
    _start_anew(scene, web, library, "-6m")
    scene.wait(scene.rig.ready, 30, "web, six minutes behind")
    refused = scene.arrive(2)
    scene.hold(3)
    answers = [line["status"] for call in refused for line in scene.rig.provider.lines("webhook", call)]
    scene.expect(answers and set(answers) == {400}, f"webhooks from six minutes ahead were answered {answers}")
    for handle in (worker, web):
        scene.kill(handle)  # with a false clock it may wait for ever for its own end
        handle.start()

    def verdict(histories: Histories) -> Iterator[str]:
        if late := [row["id"] for row in histories.stored.commands if row["state"] == "expired"]:
            yield f"{len(late)} commands were believed to be too old"
        if taken := [call for call in steady if histories.stored.calls[call]["takeovers"]]:
            yield f"{len(taken)} calls of the worker with the right clock changed hands"

    return verdict


def _start_anew(scene: Scene, handle: Handle, library: str, shift: str) -> None:
    scene.kill(handle)
    handle.start(LD_PRELOAD=library, FAKETIME=shift, FAKETIME_DONT_FAKE_MONOTONIC="1")


def faketime() -> str:
    """The library that shifts clocks. Raises Skipped."""
    known = [os.environ.get("FAKETIME_LIBRARY", ""), *Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]
    for path in known:
        if path and Path(path).exists():
            return str(path)
    raise Skipped("libfaketime is not installed (or name it in FAKETIME_LIBRARY)")


@fault(
    "F44",
    "sockets are cut, and a worker may have a third fewer than before: no file descriptors for 8 s",
    "it keeps what it can; what it cannot dial is dialled when there is room",
    forgives=("Too many open files", "EMFILE", "Errno 24"),
)
def few_descriptors(scene: Scene) -> Verdict:
    victim, mine = scene.victim()
    used = len(list(Path(f"/proc/{victim.pid}/fd").iterdir()))
    # The hard limit, too: the worker raises the soft one by itself. Nobody can lift it again, so the worker goes in the end.
    fewer = used - len(mine) // 3
    resource.prlimit(victim.pid, resource.RLIMIT_NOFILE, (fewer, fewer))
    scene.rig.links.links["provider"].cut()
    arrived = scene.arrive(6)
    scene.hold(8)
    without = set(scene.unwatched()) & mine
    scene.figures |= {"descriptors": used, "could_not_dial": len(without)}
    scene.expect(without, "every call was dialled again: nothing was proven")
    scene.expect(mine - without, "no call was dialled again, though there was room for some")
    for call in sorted(mine - without)[: len(without)]:
        scene.rig.provider.hang_up(call)
    scene.figures["dialled_s"] = scene.wait_until_watched()
    taken = [call for call, times in scene.column("takeovers", scene.base).items() if times]
    scene.expect(not taken, f"{len(taken)} calls changed hands")
    scene.kill(victim)
    return lambda histories: checks.all_announced(histories, arrived)
