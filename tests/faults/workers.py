"""Faults of sideband workers: killed, paused, told to go."""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults import checks
from tests.faults.fault import Verdict, fault
from tests.faults.histories import Histories
from tests.faults.scene import Scene
from tests.rig import threads

STOOD_STILL = "the loop stood still"
"""What a worker logs whose loop was late by seconds"""
WATCHED_WITHIN_S = 15.0
"""Promised of calls whose worker was killed, however that is noticed"""
KILLED_WITHIN_S = 6.0
"""Where its lock tells: 2 s after its last beat, at the next look of another, who then dials. A lease would take twice that"""
HELD = ("LockNotAvailable",)
"""Who stops in the midst of a transaction holds its rows until PostgreSQL ends that, after 5 s; a page gives up after 2 and
says so"""


@fault("F1", "kill -9 one of two workers", "the other takes every call; gaps are shown; nobody is hung up on")
def killed(scene: Scene) -> None:
    victim, orphans = scene.victim()
    scene.kill(victim)
    scene.figures["watched_again_s"] = scene.wait(
        lambda: not (set(scene.unwatched()) & orphans), KILLED_WITHIN_S, "every orphan to be watched again"
    )
    scene.figures["orphans"] = len(orphans)


@fault(
    "F6",
    "SIGSTOP 40 s, then CONT",
    "others take over; the sleeper fences itself; no stale row",
    speed=1.0,
    forgives=HELD,
)
def paused_long(scene: Scene) -> None:
    victim, mine = scene.victim()
    scene.deaf = dict.fromkeys(mine, WATCHED_WITHIN_S)
    victim.pause()
    scene.figures["taken_over_s"] = scene.wait(
        lambda: not (scene.held(victim) & scene.talking()), 25, "the sleeper's calls to be taken"
    )
    scene.hold(40 - scene.figures["taken_over_s"])
    victim.resume()


@fault(
    "F7",
    "the loop of a worker stands still for 14 s, its other threads run",
    "it loses its leases, once; it says that it stood still; no stale row",
    speed=1.0,
)
def blocked(scene: Scene) -> Verdict:
    victim, orphans = scene.victim()
    scene.deaf = dict.fromkeys(orphans, WATCHED_WITHIN_S)
    # Fourteen, not twelve: a lease that was renewed a moment before runs for ten, and the sweep comes every two and a half.
    with threads.stopped(threads.busiest_thread(victim.pid)):
        scene.hold(14)
    scene.wait(lambda: victim.logged(STOOD_STILL, scene.injected_at), 10, "the worker to say that it stood still")

    def verdict(histories: Histories) -> Iterator[str]:
        hands = {call: histories.stored.calls[call]["takeovers"] for call in orphans if call in scene.base}
        if odd := [call for call, times in hands.items() if times != 1]:
            yield f"{len(odd)} of {len(orphans)} calls did not change hands once: {[hands[call] for call in odd[:5]]}"

    return verdict


@fault("F8", "SIGTERM, rolling restart of both workers", "calls are handed over at once, twice; none is hung up on")
def rolled(scene: Scene) -> None:
    for worker in scene.rig.workers:
        scene.terminate(worker)
        scene.figures[f"drained_{worker.name}_s"] = scene.wait(lambda w=worker: not w.alive, 25, "the worker to end")
        scene.wait_until_watched(15)
        worker.stop()
        worker.start()
        scene.rig.wait_for_workers(2)
        scene.hold(1)


@fault(
    "F2", "kill -9 both workers, back after 10 s", "all watched again; who hung up meanwhile is closed", outage_s=10.0
)
def all_killed(scene: Scene) -> None:
    for worker in scene.rig.workers:
        scene.kill(worker)
    leaving = sorted(scene.talking())[:3]
    for call in leaving:
        scene.rig.provider.hang_up(call)
    scene.hold(10)
    for worker in scene.rig.workers:
        worker.start()
    scene.figures["watched_again_s"] = scene.wait_until_watched(40)
    query = "select count(*) from calls_call where call_id = any(%s) and ended_at is null"
    scene.wait(lambda: not scene.rig.rows(query, leaving)[0][0], 30, "calls that ended unwatched to be closed")


@fault("F3", "kill -9 after the accept, before its answer", "the next owner dials first; nobody is accepted twice")
def killed_after_accept(scene: Scene) -> Verdict:
    arrived = scene.arrive(4, faults=[{"name": "accept_mute", "delay_s": 8}])
    accepted = {"setting_up", "live"}
    scene.wait(lambda: all(scene.rig.provider.call(call)["state"] in accepted for call in arrived), 15, "the accepts")
    for worker in scene.rig.workers:
        scene.kill(worker)
    states = set(scene.column("state", arrived).values())
    scene.expect(states == {"ringing"}, f"the answer of the accept was stored before: {states}")
    for worker in scene.rig.workers:
        worker.start()
    scene.wait_until_watched(30)

    def verdict(histories: Histories) -> Iterator[str]:
        for call in arrived:
            if histories.ledger.truths.get(call, {}).get("accepts") != 1:
                yield f"{call} was accepted {histories.ledger.truths.get(call, {}).get('accepts')} times"
            if histories.stored.calls[call]["state"] != "ended":
                yield f"{call} was answered and is stored as {histories.stored.calls[call]['state']}"

    return verdict


@fault("F5", "SIGSTOP 6 s, then CONT", "it keeps its calls: a lease outlives the pause", forgives=HELD)
def paused_briefly(scene: Scene) -> Verdict:
    victim = scene.busiest()
    victim.pause()
    scene.hold(6)
    victim.resume()

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.nobody_took_over(scene, histories)
        yield from checks.no_sideband_was_dropped(scene, histories)

    return verdict


@fault("F9", "SIGTERM without a peer, back after 3 s", "leases are free at once; watched again soon after the start")
def alone(scene: Scene) -> None:
    other, last = scene.rig.workers
    scene.terminate(other)
    scene.wait(lambda: not other.alive, 25, "the first worker to end")
    scene.wait_until_watched(15)
    scene.terminate(last)
    scene.figures["drained_s"] = scene.wait(lambda: not last.alive, 30, "the last worker to end")
    held = "select count(*) from calls_call where call_id = any(%s) and owner is not null"
    scene.expect(not scene.rig.rows(held, scene.ids)[0][0], "leases were not given back")
    last.stop()
    scene.hold(3)
    last.start()
    scene.figures["watched_again_s"] = scene.wait_until_watched(30)
