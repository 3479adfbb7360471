"""Faults on the way of a webhook: many times, out of order, too late, forged."""

from __future__ import annotations

import collections
import re
from collections.abc import Iterable, Iterator

from tests.faults import checks
from tests.faults.fault import Verdict, fault
from tests.faults.histories import Histories
from tests.faults.letters import OTHER_SECRET, Letters
from tests.faults.scene import Scene

COPIES = 100
FUZZ = 300
"""Forged deliveries; fewer than the allowance of an address lets through in a burst"""


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


@fault("F23", "webhooks shuffled, some after the end of their call", "one row for each; none stays open")
def shuffled(scene: Scene) -> Verdict:
    shuffled_ = scene.arrive(6, faults=[{"name": "webhook_shuffled", "within_s": 5}])
    gone = scene.arrive(4, faults=[{"name": "webhook_late", "delay_s": 4}])
    scene.hold(1)
    for call in gone:
        scene.rig.provider.hang_up(call)
    scene.hold(5)
    known = "select count(*) from calls_call where call_id = any(%s) and ended_at is not null"
    scene.wait(lambda: scene.rig.rows(known, gone)[0][0] == len(gone), 20, "calls announced after their end to be over")

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.all_announced(histories, shuffled_)
        for call in gone:
            if histories.stored.calls[call]["state"] not in {"missed", "refused"}:
                yield f"{call} was over before it was announced, and is {histories.stored.calls[call]['state']}"

    return verdict


@fault("F24", "webhook ten minutes late, signature fresh", "kept as missed, answered 200, never accepted")
def too_late(scene: Scene) -> Verdict:
    arrived = scene.place(4, faults=[{"name": "webhook_old", "age_s": 600}], speed=10)
    states = "select count(*) from calls_call where call_id = any(%s) and state = 'missed'"
    scene.wait(lambda: scene.rig.rows(states, arrived)[0][0] == len(arrived), 15, "late calls to be missed ones")

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.no_5xx(histories, arrived)
        for call in arrived:
            if histories.ledger.truths[call]["accepts"]:
                yield f"{call} was accepted ten minutes late"

    return verdict


@fault(
    "F25",
    "forged, altered, stale and garbled webhooks",
    "400, never 500, nothing opened; an old secret passes in rotation",
)
def forged(scene: Scene) -> None:
    letters = Letters(scene)
    before = scene.rig.rows("select count(*) from calls_call")[0][0]
    answers = collections.Counter(letters.send(*letter) for letter in letters.bad(scene.dice, FUZZ))
    scene.figures["answers"] = {str(status): times for status, times in answers.items()}
    scene.expect(set(answers) <= {400, 404, 413, 429}, f"forged webhooks were answered {dict(answers)}")
    scene.expect(answers[400] > FUZZ / 2, f"hardly any reached the verification: {dict(answers)}")
    scene.expect(scene.rig.rows("select count(*) from calls_call")[0][0] == before, "a forged webhook opened a call")
    scene.expect(letters.send(*letters.good()) == 200, "a good letter of the same make was refused")
    for wrong in rotated_wrongly(_secrets_in_turn(scene, letters)):
        scene.expect(False, wrong)


def _secrets_in_turn(scene: Scene, letters: Letters) -> Iterator[tuple[str, str, int]]:
    """An owner has another secret, goes back to the one that the provider signs with, and ends the other one, on the
    account's page. Each time what letters signed with either are answered."""
    query = """select a.code::text from calls_provideraccount a join calls_tenant t on t.id = a.tenant_id
               where t.slug = 'acme' order by a.id limit 1"""
    page = f"/t/acme/admin/accounts/{scene.rig.rows(query)[0][0]}/"
    owner = scene.rig.person("owner")
    for when, action, form in (
        ("before", "", {}),
        ("another secret is new", "rotate/", {"webhook_secret": OTHER_SECRET}),
        ("it is the old one", "rotate/", {"webhook_secret": letters.secret}),
        ("it is ended", "drop/", {}),
    ):
        if action:
            seen = re.search(r'name="seen" value="([^"]*)"', owner.get(page).text)
            answer = owner.request("POST", page + action, form | {"seen": seen[1] if seen else ""})
            scene.expect(answer.status == 302, f"{action} was answered {answer.status}")
        for name, secret in (("own", letters.secret), ("other", OTHER_SECRET)):
            yield when, name, letters.send(*letters.good(secret))


@fault(
    "F48",
    "the other tenant's account announces calls under the ids of calls that live",
    "kept apart: theirs is missed, the one that lives notices nothing",
)
def same_ids(scene: Scene) -> Verdict:
    living = [call for call in sorted(scene.talking()) if scene.tenant_of[call] == "acme"][:4]
    for call in living:
        letters = Letters(scene, 1)
        scene.expect(letters.send(*letters.announcement(call)) == 200, "an announcement was refused")
    twins = """select c.call_id from calls_call c join calls_tenant t on t.id = c.tenant_id
               where t.slug = 'globex' and c.call_id = any(%s) and c.state = 'missed'"""
    scene.wait(lambda: len(scene.rig.rows(twins, living)) == len(living), 20, "the other tenant's calls to be missed")

    def verdict(histories: Histories) -> Iterator[str]:
        yield from checks.nobody_took_over(scene, histories)
        yield from checks.no_sideband_was_dropped(scene, histories)
        yield from checks.nothing_was_missed(scene, histories)

    return verdict


def rotated_wrongly(answers: Iterable[tuple[str, str, int]]) -> Iterator[str]:
    """Both secrets pass while they overlap, and only then. Pure."""
    passes = {"before": {"own"}, "another secret is new": {"own", "other"}, "it is the old one": {"own", "other"}, "it is ended": {"own"}}  # fmt: skip
    for when, name, status in answers:
        if status != (200 if name in passes[when] else 400):
            yield f"{when}: a letter with the {name} secret was answered {status}"
