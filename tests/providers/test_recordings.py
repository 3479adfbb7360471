"""Replays what real providers sent. The recordings are not part of the project: their folder is given by variable."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from calls.domain import usage
from calls.domain.changes import Turn, TurnChanged, UsageRecorded
from calls.domain.events import Malformed, Unrecognised
from calls.domain.inputs import Attached
from calls.domain.session import Plan, Session
from calls.providers.realtime import decode

_FOLDER = Path(os.environ.get("REALTIME_OPS_RECORDINGS", ""))
_GIVEN = bool(os.environ.get("REALTIME_OPS_RECORDINGS"))
_START = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = pytest.mark.skipif(
    not _GIVEN, reason="set REALTIME_OPS_RECORDINGS to the folder of recorded event streams to replay them"
)

NAMES = sorted(path.stem for path in _FOLDER.glob("*.jsonl")) if _GIVEN else ["none"]
INDEX: dict[str, Any] = json.loads((_FOLDER / "index.json").read_text()) if _GIVEN else {"none": None}
TRUE = [name for name, truth in INDEX.items() if truth and truth["items"] is not None] or ["none"]


def frames(name: str) -> Iterator[bytes]:
    for line in (_FOLDER / f"{name}.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry["direction"] == "server":
            yield json.dumps(entry["event"]).encode()


def replay(name: str) -> tuple[list[Turn], list[UsageRecorded], Session]:
    session = Session(Plan("model", None, transcription_due=False, greeting=None))
    at = _START
    turns: dict[str, Turn] = {}
    bills = []
    session.advance(Attached(), at)
    for frame in frames(name):
        at += timedelta(milliseconds=50)
        for change in session.advance(decode(frame), at).changes:
            if isinstance(change, TurnChanged):
                turns[change.turn.item_id] = change.turn
            elif isinstance(change, UsageRecorded):
                bills.append(change)
    return sorted(turns.values(), key=lambda turn: turn.rank), bills, session


@pytest.mark.parametrize("name", NAMES)
def test_every_frame_of_a_promised_dialect_is_known(name: str) -> None:
    odd = [event for event in map(decode, frames(name)) if isinstance(event, Unrecognised | Malformed)]

    assert name.startswith("xai_") or odd == []


@pytest.mark.parametrize("name", NAMES)
def test_every_recording_replays_without_an_exception(name: str) -> None:
    replay(name)


_WORDS = {"user": "caller", "assistant": "agent"}
_KINDS = {"message": "message", "function_call": "tool_call", "function_call_output": "tool_output"}


@pytest.mark.parametrize("name", TRUE)
def test_a_recording_arrives_at_its_true_transcript(name: str) -> None:
    turns, _, session = replay(name)

    truth = INDEX[name]["items"]
    assert [turn.item_id for turn in turns] == [item["item_id"] for item in truth]
    for turn, item in zip(turns, truth, strict=True):
        assert turn.kind == _KINDS[item["type"]]
        assert turn.text == (item["text"] or "")
        assert turn.transcription == item["transcription"]
        assert turn.status == "completed"
        if item["role"]:
            assert turn.speaker == _WORDS[item["role"]]
        assert turn.tool_call_id == item.get("tool_call_id", "")
        assert turn.arguments == item.get("arguments", "")
        assert turn.output == item.get("output", "")
        if turn.kind == "tool_call":
            assert turn.name == item["name"]
    assert not session.oddities


@pytest.mark.parametrize("name", TRUE)
def test_a_recording_arrives_at_its_true_bill(name: str) -> None:
    _, bills, _ = replay(name)

    responses = [bill for bill in bills if bill.kind == "response"]
    total = asdict(usage.add(bill.tokens for bill in responses if bill.tokens))
    assert {key: total[key] for key in INDEX[name]["response_usage"]} == INDEX[name]["response_usage"]
    assert all(bill.complete for bill in responses)
    seconds = [bill.seconds for bill in bills if bill.kind == "transcription" and bill.complete]
    assert seconds == [bill["seconds"] for bill in INDEX[name]["transcription_usage"]]
    assert total["split_known"]
