"""Expectations that several faults share, about the histories of a run. Each yields what is wrong."""

from __future__ import annotations

import collections
from collections.abc import Collection, Iterable, Iterator

from tests.faults import figures
from tests.faults.histories import Histories
from tests.faults.scene import Scene


def no_sideband_was_dropped(scene: Scene, histories: Histories) -> Iterator[str]:
    if again := figures.reattached(histories, scene.injected_at):
        yield f"{len(again)} sidebands were lost and dialled again"


def back_within(seconds: float, scene: Scene, histories: Histories) -> Iterator[str]:
    """Every call that lost its socket had another one so soon."""
    again = figures.reattached(histories, scene.injected_at)
    if late := [round(one, 1) for one in again if one > seconds]:
        yield f"{len(late)} of {len(again)} sidebands were dialled again later than {seconds:g} s: {late[-1]} s"


def nothing_was_missed(scene: Scene, histories: Histories) -> Iterator[str]:
    """No gap in the calls that lived before the fault: a gap would excuse whatever is not stored."""
    base = set(scene.base)
    if gaps := [gap for gap in histories.stored.gaps if gap["call_id"] in base]:
        yield f"{len(gaps)} gaps though everything could be heard and kept: {sorted({gap['cause'] for gap in gaps})}"


def refused_politely(histories: Histories) -> Iterator[str]:
    """A webhook that cannot be taken now is told to come again, and nothing else."""
    answers = collections.Counter(line["status"] for line in histories.ledger.webhooks)
    if odd := answers.keys() - {200, 429, 503, None}:
        yield f"webhooks were answered {sorted(odd)}"


def nobody_took_over(scene: Scene, histories: Histories) -> Iterator[str]:
    """Of the calls that lived before the fault."""
    if taken := [call for call in scene.base if histories.stored.calls[call]["takeovers"]]:
        yield f"{len(taken)} calls changed hands: {taken[:3]}"


def all_announced(histories: Histories, ids: Iterable[str]) -> Iterator[str]:
    """Every delivery was taken in the end, and its call answered."""
    for call in ids:
        answers = [line["status"] for line in histories.ledger.webhooks if line["call_id"] == call]
        if not answers or not 200 <= (answers[-1] or 0) < 300:
            yield f"the webhook of {call} was answered {answers}"
        elif histories.ledger.truths.get(call, {}).get("accepts") != 1:
            yield f"{call} was announced and not accepted ({histories.stored.calls.get(call, {}).get('state')})"


def operators_were_heard(histories: Histories, asked: int = 1) -> Iterator[str]:
    """So many of their commands were taken, and one was carried out at least: otherwise nothing is proven of commands."""
    taken = sum(one.status == 201 for one in histories.asked)
    if taken < asked:
        yield f"{taken} commands of {len(histories.asked)} were taken: {collections.Counter(one.status for one in histories.asked)}"
    if not any(row["state"] == "confirmed" for row in histories.stored.commands):
        yield "no command was confirmed"


def no_5xx(histories: Histories, ids: Iterable[str]) -> Iterator[str]:
    wanted = set(ids)
    odd = collections.Counter(
        line["status"] for line in histories.ledger.webhooks if line["call_id"] in wanted and line["status"] != 200
    )
    if odd:
        yield f"webhooks were answered {dict(odd)}"


def ring_to(histories: Histories, ids: Iterable[str], state: str = "attached") -> list[float]:
    """Seconds from the first ring to the first socket, or to the first answer to the webhook."""
    rang = {mark["call_id"]: mark["at"] for mark in histories.ledger.marks if mark["state"] == "ringing"}
    first: dict[str, float] = {}
    if state == "webhook":
        lines = [line for line in histories.ledger.webhooks if line["attempt"] == 1]
    else:
        lines = [mark for mark in histories.ledger.marks if mark["state"] == state]
    for line in lines:
        first.setdefault(line["call_id"], line["at"])
    return sorted(first[call] - rang[call] for call in ids if call in first and call in rang)


def peak_per_second(times: Iterable[float]) -> int:
    """The most of these moments that lie within one second."""
    ordered = sorted(times)
    most = start = 0
    for end, at in enumerate(ordered):
        while at - ordered[start] > 1:
            start += 1
        most = max(most, end - start + 1)
    return most


def were_flooded(histories: Histories, talking: Collection[str], characters: int) -> Iterator[str]:
    """Each of these calls has a turn of so many characters: otherwise nothing was proven."""
    longest = {
        truth["call_id"]: max((len(turn["text"]) for turn in truth["turns"]), default=0)
        for truth in histories.ledger.truths.values()
    }
    if dry := [call for call in talking if longest.get(call, 0) < characters]:
        yield f"{len(dry)} of {len(talking)} calls were never flooded"
