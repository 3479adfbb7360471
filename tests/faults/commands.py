"""Faults around what operators ask for: asked twice, asked while the owner changes, half sent when it dies."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.faults import checks, traces
from tests.faults.fault import Verdict, fault
from tests.faults.histories import Histories
from tests.faults.scene import Scene
from tests.rig.handles import Handle


def _acme(scene: Scene, count: int) -> list[str]:
    """Live calls of the first tenant."""
    talking = scene.talking()
    return [call for call in scene.base if scene.tenant_of[call] == "acme" and call in talking][:count]


def _victim(scene: Scene) -> tuple[Handle, list[str]]:
    """The worker with the most calls, and its live ones of the first tenant."""
    victim, calls = scene.victim()
    mine = [call for call in _acme(scene, len(scene.base)) if call in calls]
    scene.expect(mine, "the victim has no call of acme's")
    return victim, mine


@fault(
    "F4",
    "kill -9 between a command's going out and the note of it",
    "shown as not confirmed, or proven later; nothing is sent twice",
    commands=False,
)
def killed_half_sent(scene: Scene) -> Verdict:
    victim, mine = _victim(scene)
    mine = mine[:2]
    with traces.slow_notes(scene.rig, 6):
        asked = [scene.ask(call, "say", "One moment, please.") for call in mine]
        scene.wait(lambda: _said(scene, mine) >= len(mine), 5, "the commands to go out")
        scene.kill(victim)
        states = {scene.rig.rows("select state from calls_command where id = %s", one.id)[0][0] for one in asked}
        scene.expect(states <= {"requested", "claimed"}, f"the note was stored before: {states}")
    victim.start()
    scene.wait_until_watched(30)
    ends = [scene.settled(one) for one in asked]
    scene.figures["half_sent"] = ends
    scene.expect(set(ends) <= {"not_confirmed", "confirmed", "refused"}, f"half-sent commands ended as {ends}")
    return None


def _said(scene: Scene, calls: list[str]) -> int:
    return sum(
        1
        for call in calls
        for line in scene.rig.provider.lines("client_frame", call)
        if line["event"].get("type") == "response.create" and line["event"]["response"].get("metadata")
    )


@fault(
    "F37",
    "hang up twice, by two people, and while the worker dies",
    "one effect each, the same answer for both",
    commands=False,
)
def hung_up_twice(scene: Scene) -> Verdict:
    twice, by_two, dying = _acme(scene, 3)
    first, second = scene.ask(twice, "hang_up"), scene.ask(twice, "hang_up")
    scene.expect(first.status == 201, f"the first click was answered {first.status}")
    scene.expect(second.status in {201, 409} and second.id in {first.id, ""}, "the second click made another command")
    admin = scene.rig.person("admin")
    code = scene.rig.code(by_two)
    with ThreadPoolExecutor(2) as pool:
        mine = pool.submit(scene.ask, by_two, "hang_up")
        theirs = pool.submit(admin.command, "acme", code, "hang_up")
    statuses = {mine.result().status, theirs.result().status}
    scene.expect(statuses <= {201, 409} and 201 in statuses, f"two people were answered {statuses}")
    scene.rig.provider.fault("hangup_mute", call_id=dying, delay_s=6)
    owner = next(worker for worker in scene.rig.workers if dying in scene.held(worker))
    last = scene.ask(dying, "hang_up")
    scene.wait(lambda: dying not in scene.talking(), 10, "the hang-up to work")
    scene.kill(owner)
    scene.hold(2)
    owner.start()
    scene.figures["hang_up_of_the_dead"] = scene.settled(last)

    def verdict(histories: Histories) -> Iterator[str]:
        for call in (twice, by_two, dying):
            commands = [row for row in histories.stored.commands if row["call_id"] == call]
            if len(commands) != 1:
                yield f"{call} has {len(commands)} commands to hang up"
            if histories.ledger.truths[call]["outcome"] != "hung_up_by_server":
                yield f"{call} ended as {histories.ledger.truths[call]['outcome']}"

    return verdict


@fault(
    "F38",
    "a command every 50 ms during a hand-over",
    "each is sent, refused or not confirmed; none twice",
    commands=False,
)
def during_hand_over(scene: Scene) -> Verdict:
    victim, calls = _victim(scene)
    until = time.monotonic() + 4
    n, told = 0, False
    while (begun := time.monotonic()) < until:
        scene.ask(calls[n % len(calls)], ("inform", "say", "instruct")[n % 3], f"Word {n}.")
        if not told and until - begun < 3:
            scene.terminate(victim)
            told = True
        n += 1
        time.sleep(max(0.0, 0.05 - (time.monotonic() - begun)))
    scene.figures["asked"] = n
    scene.wait(lambda: not victim.alive, 25, "the worker to end")
    victim.stop()
    victim.start()
    return lambda histories: checks.operators_were_heard(histories, n)
