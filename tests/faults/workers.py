"""Faults of sideband workers: killed, paused, told to go."""

from __future__ import annotations

from tests.faults.fault import fault
from tests.faults.scene import Scene


@fault("F1", "kill -9 one of two workers", "the other takes every call; gaps are shown; nobody is hung up on")
def killed(scene: Scene) -> None:
    victim = scene.busiest()
    orphans = scene.held(victim)
    scene.kill(victim)
    scene.wait(lambda: not (set(scene.unwatched()) & orphans), 20, "every orphan to be watched again")
    scene.figures["orphans"] = len(orphans)
    scene.expect(orphans, "the victim had no call")


@fault("F6", "SIGSTOP 25 s, then CONT", "others take over; the sleeper fences itself; no stale row", speed=1.5)
def paused_long(scene: Scene) -> None:
    victim = scene.busiest()
    orphans = scene.held(victim)
    victim.pause()
    scene.figures["taken_over_s"] = scene.wait(
        lambda: not (scene.held(victim) & scene.talking()), 25, "the sleeper's calls to be taken"
    )
    scene.hold(5)
    victim.resume()
    scene.expect(orphans, "the victim had no call")


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
