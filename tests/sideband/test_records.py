"""Changes outlive their process as they were."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from calls.actions.ingest import Batch, CallRef
from calls.domain.changes import (
    AttachmentChanged,
    CallStateChanged,
    GapRecorded,
    NoteAdded,
    Numbered,
    RateLimitsChanged,
    SessionChanged,
    Signs,
    SignsChanged,
    UsageRecorded,
)
from calls.domain.states import Attachment, CallState, CommandState, EndReason
from calls.sideband import records
from tests.sideband.desk import at, command, turn, usage

EXACT = datetime(2026, 11, 21, 6, 0, 0, 123457, UTC)
CHANGES = (
    CallStateChanged(CallState.ENDED, EXACT, EndReason.REMOTE_HANG_UP, "gone"),
    AttachmentChanged(Attachment.ATTACHED, at(1)),
    turn(
        text='"Ü" 😀\0',
        steps=((0, 3), (100, 9)),
        command_id=UUID(int=7),
        ended_at=EXACT,
        heard_text="",
        transcription="pending",
        rank=1.5,
    ),
    turn(),
    usage(),
    usage(complete=False),
    UsageRecorded("transcription", "item_1", at(3), "whisper", None, 1.25, True),
    GapRecorded(at(1), at(2), "owner_lost"),
    command(UUID(int=3), CommandState.REFUSED, detail="no"),
    NoteAdded("keypad", at(1), {"key": "5", "deep": [{"a": None}]}),
    SessionChanged({"voice": "ash", "turn_detection": None}, at(1), EXACT),
    RateLimitsChanged({"requests": {"left": 3}}, at(2)),
    SignsChanged(Signs(2, EXACT, None, at(1)), at(4)),
)


def test_every_kind_of_change_is_shown_here():
    assert {type(change) for change in CHANGES} == set(Numbered.__args__)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: type(change).__name__)
def test_a_change_comes_back_as_it_was(change):
    ref = CallRef(5, UUID(int=1), UUID(int=2), "e", 3, True, EXACT)
    batch = Batch(ref, [change], {"floor": "speaking", "oddities": 2, "last_event_at": at(9)}, 12)
    line = records.dump([batch, batch])
    assert b"\n" not in line
    [first, second] = records.load(line)
    assert first == second
    assert (first.ref, first.changes, first.flush) == (ref, [change], 12)
    assert first.columns == {"floor": "speaking", "oddities": 2, "last_event_at": "2026-11-20T12:00:09+00:00"}


@pytest.mark.parametrize(
    "line", [b"", b"[1]", b'[{"ref": {}}]', b'[{"ref": null, "changes": [["Nothing", {}]], "columns": {}, "flush": 1}]']
)
def test_what_it_did_not_write_is_an_error(line):
    with pytest.raises((ValueError, TypeError, KeyError)):
        records.load(line)


def test_what_is_no_text_is_an_error():
    with pytest.raises((TypeError, ValueError)):
        records.dump([Batch(CallRef(1, UUID(int=1), UUID(int=2), "e", 1), [turn(text="\ud800")])])
