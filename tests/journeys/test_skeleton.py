"""A call from its announcement to a browser, and out again as files."""

from __future__ import annotations

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.rig.machine import Rig
from tests.rig.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.journey


def test_a_call_is_announced_accepted_watched_stored_and_shown(rig: Rig) -> None:
    with rig.watcher() as screen:
        screen.wait()
        call_id = rig.provider.place("two_turn", account=0, speed=10)
        code = rig.code(call_id)
        assert screen.follow("tenant", f"call:{code}")
        rig.settle(call_id)
        shown = screen.picture
        truth = rig.provider.truths()[call_id]
        ended = rig.state(call_id)
        # The last entry comes over Redis, or with the heads of a heartbeat 6 s later at most.
        wait_until(lambda: shown.call(code)["call"]["state"] == ended, LIMIT_S, "the screen to hear of the end")
        wait_until(lambda: shown.row(code).get("state") == ended, LIMIT_S, "the row to hear of the end")

    assert ended == "ended"
    assert shown.row(code)["end_reason"] == "remote_hang_up"
    assert truth["accepts"] == 1
    spoken = {turn["item_id"]: turn["text"] for turn in truth["turns"] if turn["kind"] == "message"}
    assert {turn["item_id"]: turn["text"] for turn in shown.call(code)["turns"]} == spoken
    assert sum(one["total"] for one in shown.call(code)["usage"]) > 0
    assert shown.holes == 0
    assert rig.differences(call_id) == []


def test_who_comes_in_the_middle_of_a_turn_sees_it_from_its_beginning(rig: Rig) -> None:
    """Nobody followed before, so nothing was announced; the first words that a screen gets are a turn's first."""
    in_the_middle = 0
    for _ in range(20):
        # Each time another call: who has just left is followed by words for a moment longer.
        call_id = rig.provider.place("long_chat", account=0)
        code = rig.code(call_id)
        rig.wait_until_attached(call_id)
        with rig.watcher(f"call:{code}") as screen:
            wait_until(lambda: firsts(screen.raw), LIMIT_S, "words of an open turn")
            found = firsts(screen.raw).values()
        rig.provider.hang_up(call_id)
        assert [offset for offset, _ in found] == [0] * len(found)
        in_the_middle += any(len(text) > 20 for _, text in found)
        if in_the_middle == 2:
            break
    assert in_the_middle == 2


def firsts(raw: list[str]) -> dict[str, tuple[int, str]]:
    """Offset and text of the first hint of each turn."""
    found: dict[str, tuple[int, str]] = {}
    for frame in list(raw):
        for hint in json.loads(frame).get("hints", ()):
            if hint["kind"] == "partial":
                found.setdefault(hint["body"]["item_id"], (hint["body"]["offset"], hint["body"]["text"]))
    return found


def test_exports_hold_what_just_happened_in_both_formats(rig: Rig) -> None:
    call_id = rig.provider.place("tool_call", account=0)
    rig.settle(call_id)
    wanted = [(kind, form) for kind in ("calls", "transcripts", "usage") for form in ("jsonl", "csv")]
    with ThreadPoolExecutor(2) as pool:
        files = dict(zip(wanted, pool.map(lambda each: rig.exported(*each), wanted), strict=True))
    found = {key: _of(call_id, key[1], text) for key, text in files.items()}

    truth = rig.provider.truths()[call_id]
    assert [row["state"] for row in found["calls", "jsonl"]] == ["ended"]
    assert [row["item_id"] for row in found["transcripts", "jsonl"]] == [turn["item_id"] for turn in truth["turns"]]
    assert {row["response_id"] for row in found["usage", "jsonl"] if row["kind"] == "response"} == {
        one["response_id"] for one in truth["responses"]
    }
    for kind in ("calls", "transcripts", "usage"):
        exact, table = found[kind, "jsonl"], found[kind, "csv"]
        assert len(exact) == len(table) > 0
        assert [row.keys() for row in exact] == [row.keys() for row in table]


def _of(call_id: str, file_format: str, text: str) -> list[dict[str, str]]:
    rows = (
        [json.loads(line) for line in text.splitlines()]
        if file_format == "jsonl"
        else list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    )
    return [row for row in rows if row["call_id"].lstrip("'") == call_id]
