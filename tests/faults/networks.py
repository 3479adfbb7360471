"""Faults of what lies between worker and provider: a partition, a thin line; and of how much memory a worker gets."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import psutil

from tests.faults import checks
from tests.faults.fault import Verdict, fault
from tests.faults.histories import Histories
from tests.faults.provider import FLOOD_CHARACTERS, FLOOD_S
from tests.faults.scene import Scene

NOTICED_S = 40.0
"""A ping every 15 s, given up after 15 more; then sockets are dialled in vain"""
AGAIN_WITHIN_S = 120.0
"""The silence is noticed, the victim dials for 60 s, each dial takes 8 s, and a peer takes what was given back"""
RINGING = 8
"""Calls that come meanwhile: some of them to the victim, but for one time in 256"""
LINE_BYTES_S = 3_000
"""24 kbit/s, of each call: less than it says at times"""
FULL_S = 1.0
"""So late something came at least, or the line was never full"""
MORE_MB = 96
"""Of address space beyond what the worker has: for a flood, and for the stacks of threads that may still come"""


@fault(
    "F41",
    "silent partition between one worker and the provider, for good",
    "the silence is noticed and marked; who dials in vain for a minute leaves the calls to the other worker",
    speed=0.6,
)
def cut_off(scene: Scene) -> Verdict:
    victim, mine = scene.victim()
    scene.deaf = dict.fromkeys(mine, AGAIN_WITHIN_S)
    door = scene.rig.links.links["provider"]
    door.silence(dead_after=None, only=victim.pid)
    arrived = scene.arrive(RINGING)
    scene.hold(NOTICED_S)
    scene.figures["watched_again_s"] = NOTICED_S + scene.wait_until_watched(AGAIN_WITHIN_S - NOTICED_S)
    left = scene.held(victim)
    door.heal()
    scene.expect(not left & mine, "the victim still has calls that it does not hear")

    def verdict(histories: Histories) -> Iterator[str]:
        gapped = {gap["call_id"] for gap in histories.stored.gaps}
        if whole := [call for call in mine if call in scene.base and call not in gapped]:
            yield f"{len(whole)} calls that nobody heard for {NOTICED_S:g} s show no gap"
        others = [gap for gap in histories.stored.gaps if gap["call_id"] in set(scene.base) - mine]
        if others:
            told = [(gap["cause"], round(gap["started_at"].timestamp() - scene.injected_at, 1)) for gap in others]
            yield f"calls of the other worker show gaps, by cause and seconds since: {told}"
        if lost := [call for call, row in histories.stored.calls.items() if row["state"] == "lost"]:
            yield f"{len(lost)} calls were given up though the other worker reached them"
        yield from checks.all_announced(histories, arrived)
        if not any(histories.stored.calls[call]["epoch"] > 1 for call in arrived if call in histories.stored.calls):
            yield "no call rang at the worker that was cut off: nothing was proven"
        scene.figures["answered_max_s"] = round(max(checks.ring_to(histories, arrived), default=0.0), 1)

    return verdict


@fault("F42", "24 kbit/s for each call, 20 s", "no pong is missed; what comes late is all there")
def thin_line(scene: Scene) -> Verdict:
    redials = scene.counted("sideband", "redials")
    door = scene.rig.links.links["provider"]
    door.slow_down(LINE_BYTES_S)
    scene.hold(20)
    door.heal()
    scene.figures["late_s"] = round(door.longest_s, 1)
    scene.expect(door.longest_s > FULL_S, f"the line was never full: {door.longest_s:.1f} s")
    scene.figures["redials"] = scene.counted("sideband", "redials") - redials
    scene.expect(not scene.figures["redials"], "a slow line was taken for a dead one")

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.nobody_took_over(scene, histories)
        yield from checks.no_sideband_was_dropped(scene, histories)
        yield from checks.nothing_was_missed(scene, histories)

    return verdict


@fault(
    "F43",
    f"both workers may take {MORE_MB} MB more and no byte beyond; 500 words a second on every call for 6 s",
    "a flood fits into that; no word is lost, no worker dies",
    speed=1.0,
)
def little_memory(scene: Scene) -> Verdict:
    talking = scene.talking()
    before = {worker.pid: resource.prlimit(worker.pid, resource.RLIMIT_AS) for worker in scene.rig.workers}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_AS, (psutil.Process(pid).memory_info().vms + (MORE_MB << 20), hard))
    try:
        scene.rig.provider.fault("flood", spoken=True, lasts_s=FLOOD_S)
        scene.hold(FLOOD_S)
        scene.wait_until_watched()
        scene.hold(2)
    finally:
        for pid, limits in before.items():
            if psutil.pid_exists(pid):
                resource.prlimit(pid, resource.RLIMIT_AS, limits)

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.nobody_took_over(scene, histories)
        yield from checks.no_sideband_was_dropped(scene, histories)
        yield from checks.nothing_was_missed(scene, histories)
        yield from checks.were_flooded(histories, talking, FLOOD_CHARACTERS)

    return verdict
