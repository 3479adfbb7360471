"""Compares what the product exported with what the simulator knows to be true.

Pure, over plain dicts; counts what it looked at, so that comparing nothing is a failure.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Row = Mapping[str, Any]

SPEAKERS = {"caller": ("caller",), "agent": ("agent",), "operator": ("operator",), "system": ("system", "operator")}
"""Who may be named for whom: the provider knows no operators, a product knows which words were theirs."""
OPEN_STATES = frozenset({"ringing", "accepted", "active", "transferring"})
FINAL = frozenset({"complete", "completed", "final", "done"})
"""Words with which an exported row claims to be the last version."""
BUCKETS = {
    "input_text": "input_text_tokens",
    "input_audio": "input_audio_tokens",
    "input_image": "input_image_tokens",
    "cached_text": "cached_text_tokens",
    "cached_audio": "cached_audio_tokens",
    "cached_image": "cached_image_tokens",
    "output_text": "output_text_tokens",
    "output_audio": "output_audio_tokens",
}
GAP_SLACK_SECONDS = 1.0
"""Both sides stamp with their own clocks, and a broken socket is noticed a moment late."""


@dataclass(frozen=True, slots=True)
class Difference:
    kind: str
    call_id: str
    about: str = ""
    """The item or response it is about."""
    detail: str = ""


@dataclass(slots=True)
class Report:
    """What was compared, and what differs."""

    compared: collections.Counter[str] = field(default_factory=collections.Counter)
    differences: list[Difference] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.differences

    def differs(self, kind: str, call_id: str, about: str = "", detail: str = "") -> None:
        self.differences.append(Difference(kind, call_id, about, detail))

    def summary(self) -> dict[str, Any]:
        kinds = collections.Counter(difference.kind for difference in self.differences)
        return {"ok": self.ok, "compared": dict(self.compared), "differences": dict(kinds)}


def compare(
    truths: Sequence[Row],
    exported_calls: Sequence[Row],
    exported_turns: Sequence[Row],
    exported_usage: Sequence[Row],
    gaps: Sequence[Row],
    *,
    slack: float = GAP_SLACK_SECONDS,
) -> Report:
    """Every difference between the truths of ended calls and the product's export of them."""
    report = Report()
    calls, turns = _by_call(exported_calls), _by_call(exported_turns)
    usage, holes = _by_call(exported_usage), _by_call(gaps)
    known = {truth["call_id"] for truth in truths}
    for truth in truths:
        call_id = truth["call_id"]
        inside = Holes(holes[call_id], slack)
        _compare_call(report, truth, calls[call_id])
        if truth["accepts"]:
            _compare_turns(report, truth, turns[call_id], inside)
            _compare_responses(report, truth, usage[call_id], inside)
            _compare_transcriptions(report, truth, usage[call_id], inside)
    for call_id, rows in calls.items():
        # Calls that are still open have no truth yet.
        if call_id not in known and rows and rows[0].get("state") not in OPEN_STATES:
            report.differs("unknown_call", call_id)
    for what in ("calls", "turns", "responses"):
        if not report.compared[what]:
            report.differs("nothing_compared", "", what)
    return report


class Holes:
    """The times in which the product says it was not listening to a call."""

    def __init__(self, rows: Iterable[Row], slack: float) -> None:
        self._slack = slack
        self._spans = [(instant(row["started_at"]), instant(row.get("ended_at"))) for row in rows]

    def cover(self, at: float | None) -> bool:
        return at is not None and any(
            start is not None and start - self._slack <= at and (end is None or at <= end + self._slack)
            for start, end in self._spans
        )


def _compare_call(report: Report, truth: Row, rows: Sequence[Row]) -> None:
    call_id = truth["call_id"]
    if truth["accepts"]:
        report.compared["calls"] += 1
        if not rows:
            report.differs("missing_call", call_id, detail=str(truth["outcome"]))
    if truth["accepts"] > 1:
        report.differs("accepted_twice", call_id, detail=str(truth["accepts"]))
    if len(rows) > 1:
        report.differs("duplicate_call", call_id, detail=str(len(rows)))
    for row in rows[:1]:
        if row.get("state") in OPEN_STATES:
            report.differs("call_not_ended", call_id, detail=str(row.get("state")))
        for side in ("from", "to"):
            if row.get(side) and _digits(row[side]) != _digits(truth[side]):
                report.differs("other_number", call_id, side, f"{truth[side]} → {row[side]}")


# -- turns


def _compare_turns(report: Report, truth: Row, rows: Sequence[Row], holes: Holes) -> None:
    call_id = truth["call_id"]
    rows = sorted(rows, key=lambda row: number(row.get("position")))
    by_item = _grouped(rows, "item_id")
    expected = {turn["item_id"]: turn for turn in truth["turns"]}
    for item_id, same in by_item.items():
        if item_id not in expected:
            # Somebody began to speak and the line went dead: an open end with nothing in it is no claim.
            if same[0].get("text") or claims_to_be_final(same[0]):
                report.differs("invented_turn", call_id, item_id, str(same[0].get("text"))[:80])
        elif len(same) > 1:
            report.differs("duplicate_turn", call_id, item_id, str(len(same)))
    for item_id, turn in expected.items():
        found = by_item.get(item_id)
        if turn["final_seen"]:
            report.compared["turns"] += 1
            _compare_seen_turn(report, call_id, turn, found[0] if found else None, holes)
        else:
            report.compared["turns_unseen"] += 1
            _compare_unseen_turn(report, call_id, turn, found[0] if found else None, holes)
    # Who did not hear an item being added learns of it by its id, and of its place not at all.
    in_order = [
        item_id
        for item_id, turn in expected.items()
        if turn["final_seen"] and not turn["deleted"] and not holes.cover(turn["started_at"])
    ]
    # Rows that were compared above; a deleted turn has no place any more.
    in_both = set(in_order) & by_item.keys()
    told = [item_id for item_id in by_item if item_id in in_both]
    if told != [item_id for item_id in in_order if item_id in in_both]:
        report.differs("other_order", call_id, detail=" ".join(told))


def _compare_seen_turn(report: Report, call_id: str, turn: Row, row: Row | None, holes: Holes) -> None:
    item_id = turn["item_id"]
    # A socket may have been open towards a process that had just been killed.
    excused = holes.cover(turn["final_at"])
    if row is None:
        if excused:
            report.compared["turns_lost_in_gaps"] += 1
        elif not turn["deleted"]:
            report.differs("missing_turn", call_id, item_id, turn["text"][:80])
        return
    if excused and not claims_to_be_final(row):
        report.compared["turns_lost_in_gaps"] += 1
        return
    # The output of a tool comes without the tool's name; a product may know it from the call.
    named = ("name",) if turn["kind"] == "tool_call" else ()
    for name in ("text", "arguments", "output", *named):
        mine, theirs = turn.get(name) or "", row.get(name) or ""
        if mine != theirs:
            report.differs(f"other_{name}", call_id, item_id, f"{mine[:80]!r} → {theirs[:80]!r}")
    if turn["kind"] == "message" and row.get("speaker") not in {None, "", *SPEAKERS[turn["speaker"]]}:
        report.differs("other_speaker", call_id, item_id, f"{turn['speaker']} → {row['speaker']}")
    heard = (row.get("heard_text") or "").removesuffix("…").rstrip()
    if turn["heard_ms"] is not None and not turn["text"].startswith(heard):
        report.differs("other_heard_text", call_id, item_id, heard[:80])


def _compare_unseen_turn(report: Report, call_id: str, turn: Row, row: Row | None, holes: Holes) -> None:
    """Nobody was told its end: the product has to know that it does not know."""
    item_id = turn["item_id"]
    if row is not None and not claims_to_be_final(row):
        return
    if row is not None and (row.get("text") or "") != turn["text"]:
        report.differs("claimed_turn", call_id, item_id, f"{turn['text'][:80]!r} → {str(row.get('text'))[:80]!r}")
    never_sent = turn["final_at"] is None
    if row is None and not (holes.cover(turn["final_at"]) or (never_sent and _excused(turn, holes))):
        report.differs("loss_without_gap", call_id, item_id, turn["text"][:80])


def _excused(turn: Row, holes: Holes) -> bool:
    """A turn whose end was never sent may be absent if nobody saw its beginning either."""
    return not turn["added_seen"] or holes.cover(turn["started_at"])


def claims_to_be_final(row: Row) -> bool:
    marks = [str(row[name]) for name in ("status", "transcription") if row.get(name)]
    return all(mark in FINAL for mark in marks)


# -- usage


def _compare_responses(report: Report, truth: Row, rows: Sequence[Row], holes: Holes) -> None:
    call_id = truth["call_id"]
    found = _grouped((row for row in rows if row["kind"] == "response"), "response_id")
    expected = {response["response_id"]: response for response in truth["responses"]}
    for response_id, same in found.items():
        claimed = any(row.get("state") == "complete" for row in same)
        if claimed and response_id not in expected and response_id not in truth["unfinished"]:
            report.differs("invented_usage", call_id, response_id)
        if len(same) > 1:
            report.differs("duplicate_usage", call_id, response_id, str(len(same)))
    for response_id, response in expected.items():
        row = found[response_id][0] if response_id in found else None
        tokens = {bucket: response[bucket] for bucket in BUCKETS}
        if not response["seen"]:
            report.compared["responses_unseen"] += 1
            if row is not None and row.get("state") == "complete" and _tokens(row) != tokens:
                report.differs("claimed_usage", call_id, response_id)
            continue
        report.compared["responses"] += 1
        report.compared["tokens"] += sum(tokens.values())
        if row is None or (row.get("state") == "incomplete" and _tokens(row) != tokens):
            if any(tokens.values()) and not holes.cover(response["at"]):
                report.differs("missing_usage", call_id, response_id)
        elif _tokens(row) != tokens:
            report.differs("other_tokens", call_id, response_id, f"{tokens} → {_tokens(row)}")


def _compare_transcriptions(report: Report, truth: Row, rows: Sequence[Row], holes: Holes) -> None:
    call_id = truth["call_id"]
    found = _grouped((row for row in rows if row["kind"] == "transcription"), "item_id")
    expected = {cost["item_id"]: cost for cost in truth["transcriptions"]}
    for item_id, same in found.items():
        if item_id not in expected and any(row.get("state") == "complete" for row in same):
            report.differs("invented_usage", call_id, item_id)
        if len(same) > 1:
            report.differs("duplicate_usage", call_id, item_id, str(len(same)))
    for item_id, cost in expected.items():
        if not cost["seen"]:
            continue
        report.compared["transcriptions"] += 1
        row = found[item_id][0] if item_id in found else None
        if row is None:
            if not holes.cover(cost["at"]):
                report.differs("missing_usage", call_id, item_id)
            continue
        mine = (cost["seconds"], cost["input_tokens"], cost["output_tokens"])
        heard = number(row.get("input_text_tokens")) + number(row.get("input_audio_tokens"))
        theirs = (number(row.get("seconds")), heard, number(row.get("output_text_tokens")))
        if mine != theirs:
            report.differs("other_tokens", call_id, item_id, f"{mine} → {theirs}")


def _tokens(row: Row) -> dict[str, float]:
    return {bucket: number(row.get(column)) for bucket, column in BUCKETS.items()}


# -- plain values


def number(value: object) -> float:
    """A count from JSON or CSV; nothing is nought."""
    return 0 if value is None or value == "" else float(str(value))


def instant(value: object) -> float | None:
    """A time as Unix seconds, given as such, as a datetime or in ISO form; nothing is None."""
    if value is None or value == "":
        return None
    if isinstance(value, int | float):
        return float(value)
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _digits(value: object) -> str:
    return "".join(sign for sign in str(value).partition("@")[0] if sign.isdigit())


def _by_call(rows: Iterable[Row]) -> collections.defaultdict[str, list[Row]]:
    grouped: collections.defaultdict[str, list[Row]] = collections.defaultdict(list)
    for row in rows:
        grouped[row["call_id"]].append(row)
    return grouped


def _grouped(rows: Iterable[Row], key: str) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row[key], []).append(row)
    return grouped
