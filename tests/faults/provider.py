"""Faults of the provider: sockets that break, handshakes that fail, accepts of unknown outcome, frames of nonsense."""

from __future__ import annotations

from collections.abc import Iterator

from calls.simulator.faults import CLOSE_CODES
from tests.faults import checks
from tests.faults.fault import Verdict, fault
from tests.faults.histories import Histories
from tests.faults.scene import Scene

OVERSIZED_MB = 50
"""A worker with 30 calls may grow by so much while each is sent a frame of 5 MiB: such frames are refused by their heads"""
SILENCE_NOTICED_S = 35.0
"""Promised: 30, and what the gap takes to be stored"""
FLOOD_MB = 120
"""… and while 500 words a second of each are spoken: what is being said is kept, in memory"""
FLOOD_S = 6.0
FLOOD_CHARACTERS = 1_000
"""More than anybody says in one breath"""
FRAMES_PER_CALL_S = 20
"""That a screen is told of a call, at most"""
CLOSED_WITHIN_S = 10.0
"""Without a socket where two redials are refused: promised are the pauses before three, 1.4 s; the rest is the machine's"""
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
        peak = checks.peak_per_second(dials)
        scene.figures |= {"sockets_reset": before, "peak_dials_per_s": peak}
        if len(dials) < before:
            yield f"{before} sockets were to be reset, and {len(dials)} were dialled again"
        if peak > PEAK_DIALS:
            yield f"{peak} dials in one second"

    return verdict


@fault(
    "F27",
    "sockets closed with eight codes; redials refused with 429 and 500",
    "a close proves nothing: all are watched again",
)
def closed_in_every_way(scene: Scene) -> Verdict:
    ways = [f"close_{code}" for code in CLOSE_CODES]
    struck: dict[str, str] = {}
    for n, call in enumerate(sorted(scene.talking())):
        struck[call] = ways[n % len(ways)]
        if n % 3:
            scene.rig.provider.fault("dial_429" if n % 3 == 1 else "dial_500", call_id=call, times=2)
        scene.rig.provider.fault(struck[call], call_id=call)
    scene.hold(3)
    scene.figures["watched_again_s"] = scene.wait_until_watched()

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.nobody_took_over(scene, histories)
        yield from checks.back_within(CLOSED_WITHIN_S, scene, histories)
        gapped = {gap["call_id"] for gap in histories.stored.gaps}
        for call, way in struck.items():
            if call not in gapped:
                yield f"{call} was closed by {way} and shows no gap"
            if histories.stored.calls[call]["end_reason"] != "remote_hang_up":
                yield f"{call}, closed by {way}, ended as {histories.stored.calls[call]['end_reason']}"

    return verdict


@fault(
    "F28",
    "accepts of unknown outcome: 404, 404 after 5 s, dead leg, no answer, 500, 429",
    "each is missed or answered once",
)
def accepts_fail(scene: Scene) -> Verdict:
    wanted: dict[str, set[str]] = {}
    for faults, ends in (
        (["accept_404"], {"missed"}),
        (["accept_slow", "accept_404"], {"missed"}),
        (["accept_dead"], {"missed"}),
        ([{"name": "accept_mute", "delay_s": 12}], {"ended"}),
        ([{"name": "accept_500", "times": 1}], {"ended"}),
        ([{"name": "accept_429", "times": 2}], {"ended"}),
        (["dial_404"], {"ended"}),
    ):
        for call in scene.arrive(2, faults=faults):
            wanted[call] = ends
    over = (
        "select count(*) from calls_call where call_id = any(%s) and (attachment = 'attached' or ended_at is not null)"
    )
    scene.wait(lambda: scene.rig.rows(over, list(wanted))[0][0] == len(wanted), 45, "every accept to be decided")

    def verdict(histories: Histories) -> Iterator[str]:
        for call, ends in wanted.items():
            if (state := histories.stored.calls[call]["state"]) not in ends:
                yield f"{call} is {state} instead of {' or '.join(ends)}"

    return verdict


@fault(
    "F29",
    "sockets fall silent, no pong",
    "noticed within 15 + 15 s, dialled again, the silence is a gap",
    speed=1.0,
)
def silent(scene: Scene) -> Verdict:
    calls = sorted(scene.talking())[: max(2, len(scene.base) // 3)]
    scene.deaf = dict.fromkeys(calls, 30.0)
    for call in calls:
        scene.rig.provider.fault("stall", call_id=call)
    gaps = "select count(distinct c.call_id) from calls_gap g join calls_call c on c.id = g.call_id where c.call_id = any(%s)"
    scene.figures["noticed_s"] = scene.wait(
        lambda: scene.rig.rows(gaps, calls)[0][0] == len(calls), SILENCE_NOTICED_S, "every silence to be noticed"
    )
    return lambda histories: checks.nobody_took_over(scene, histories)


@fault(
    "F30", "malformed, unknown, incomplete, unstorable and deeply nested frames", "counted, and nothing else is lost"
)
def nonsense(scene: Scene) -> Verdict:
    calls = scene.talking()
    for _ in range(3):
        for name in ("malformed", "unknown", "missing_fields", "nul_and_surrogates", "nested"):
            scene.rig.provider.fault(name)
        scene.hold(1)

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.nobody_took_over(scene, histories)
        yield from checks.no_sideband_was_dropped(scene, histories)
        yield from checks.nothing_was_missed(scene, histories)
        odd = scene.column("oddities", calls)
        if quiet := [call for call, times in odd.items() if not times]:
            yield f"nothing odd was counted of {len(quiet)} calls"

    return verdict


@fault("F31", "frames of 5 MiB on every call, twice", "refused by us with 1009, dialled again; memory stays bounded")
def oversized(scene: Scene) -> Verdict:
    before, talking = scene.counted("sideband", "oversized_frames"), scene.talking()
    with scene.grows_at_most(OVERSIZED_MB, "sideband"):
        for _ in range(2):
            scene.rig.provider.fault("oversized")
            scene.hold(2)
            scene.wait_until_watched()
    scene.figures["oversized"] = scene.counted("sideband", "oversized_frames") - before
    scene.expect(scene.figures["oversized"], "no frame is counted as too large")

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.nobody_took_over(scene, histories)
        gapped = {gap["call_id"] for gap in histories.stored.gaps}
        if whole := talking - gapped:
            yield f"{len(whole)} calls had no such frame: nothing was proven"

    return verdict


@fault(
    "F32",
    "500 words a second spoken on every call for 6 s",
    "merged and held back; no word of it is lost, no socket",
    speed=1.0,
)
def flooded(scene: Scene) -> Verdict:
    before = sum(len(watcher.raw) for watcher, _, _ in scene.screens)
    talking = scene.talking()
    with scene.grows_at_most(FLOOD_MB):
        scene.rig.provider.fault("flood", spoken=True, lasts_s=FLOOD_S)
        scene.hold(FLOOD_S)
        told = sum(len(watcher.raw) for watcher, _, _ in scene.screens) - before
        scene.wait_until_watched()
    # A call has one screen of its own, and a line on the screens of its tenant.
    scene.figures["frames_per_call_s"] = round(told / max(1, len(talking)) / FLOOD_S, 1)
    scene.expect(scene.figures["frames_per_call_s"] <= FRAMES_PER_CALL_S, "screens are told more than they can show")

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.were_flooded(histories, talking, FLOOD_CHARACTERS)
        yield from checks.nobody_took_over(scene, histories)
        yield from checks.no_sideband_was_dropped(scene, histories)
        yield from checks.nothing_was_missed(scene, histories)

    return verdict


@fault("F45", "the provider cannot be reached for 8 s", "dialled until it can be; new calls are answered then")
def unreachable(scene: Scene) -> Verdict:
    door = scene.rig.links.links["provider"]
    door.refuse()
    arrived = scene.arrive(3)
    scene.hold(8)
    door.heal()
    scene.figures["watched_again_s"] = scene.wait_until_watched(30)

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.nobody_took_over(scene, histories)
        yield from checks.all_announced(histories, arrived)

    return verdict
