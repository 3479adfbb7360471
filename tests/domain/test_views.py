"""Changes and rows as the feed shows them: plain JSON, one shape for both."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest

from calls.domain import views
from calls.domain.changes import (
    AttachmentChanged,
    CallStateChanged,
    CommandChanged,
    GapRecorded,
    NoteAdded,
    RateLimitsChanged,
    SessionChanged,
    Signs,
    SignsChanged,
    Turn,
    TurnChanged,
    UsageRecorded,
)
from calls.domain.events import Tokens
from calls.domain.states import LIVE, Attachment, CallState, CommandState, EndReason

AT = datetime(2026, 11, 20, 12, 0, 1, 234_567, tzinfo=UTC)
ISO = "2026-11-20T12:00:01.234Z"
ID = UUID("0a0b0c0d-0000-4000-8000-0000000000c1")
TURN = Turn("item_1", 1.5, "message", "agent", "cut_off", AT, AT, "Of course.", "Of", 120, steps=((0, 2), (100, 10)))


def test_times_are_utc_with_milliseconds():
    assert views.iso(AT) == ISO
    assert views.iso(AT.astimezone(timezone(timedelta(hours=5, minutes=30)))) == ISO
    assert views.iso(AT.replace(microsecond=0)) == "2026-11-20T12:00:01.000Z"
    assert views.iso(None) is None


def test_a_turn_is_the_same_from_a_change_and_from_a_row():
    row = SimpleNamespace(**{field.name: getattr(TURN, field.name) for field in fields(TURN)})
    row.steps, row.command_id = [[0, 2], [100, 10]], ID
    body = views.turn_body(TURN)
    assert views.turn_body(row) == body | {"command_id": str(ID)}
    assert (body["steps"], body["started_at"], body["command_id"]) == ([[0, 2], [100, 10]], ISO, None)


def test_a_turn_shows_every_field_that_it_has():
    assert set(views.turn_body(TURN)) == {field.name for field in fields(Turn)}


@pytest.mark.parametrize("state", CallState)
def test_the_end_of_a_call_has_its_time_and_nothing_else_has(state):
    body = views.state_body(CallStateChanged(state, AT), first_answer=False)
    assert body == {"state": state.value} | ({} if state in LIVE else {"ended_at": ISO})


def test_the_first_answer_has_its_time():
    change = CallStateChanged(CallState.ACTIVE, AT)
    assert views.state_body(change, first_answer=True) == {"state": "active", "answered_at": ISO}


def test_words_are_cut_to_the_width_of_their_column():
    ended = CallStateChanged(CallState.ENDED, AT, EndReason.HUNG_UP, "x" * 900)
    assert views.state_body(ended, first_answer=False)["detail"] == "x" * 500
    assert views.command_body(CommandChanged(ID, CommandState.REFUSED, AT, "x" * 900))["detail"] == "x" * 500


@pytest.mark.parametrize("state", [state for state in CommandState if state is not CommandState.REQUESTED])
def test_a_commands_state_comes_with_the_time_of_its_column(state):
    column = {"claimed": "claimed_at", "sent": "sent_at"}.get(state.value, "settled_at")
    assert views.command_body(CommandChanged(ID, state, AT)) == {"id": str(ID), "state": state.value, column: ISO}


def test_what_a_command_change_does_not_say_stays_as_it_was():
    said = views.command_body(CommandChanged(ID, CommandState.CONFIRMED, AT, "done", "item_1"))
    assert (said["detail"], said["after_item_id"]) == ("done", "item_1")
    assert {"detail", "after_item_id"}.isdisjoint(views.command_body(CommandChanged(ID, CommandState.SENT, AT)))


def test_a_bill_without_figures_shows_zeros_and_says_so():
    body = views.usage_body(UsageRecorded("response", "r", AT, "m", None, None, complete=False))
    assert (body["complete"], body["total"], body["split_known"], body["seconds"]) == (False, 0, True, None)


def test_a_bill_shows_every_count():
    tokens = Tokens(*range(1, 10), split_known=False)
    body = views.usage_body(UsageRecorded("response", "r", AT, "m", tokens, None, complete=True))
    assert [body[name] for name in views.TOKEN_FIELDS] == list(range(1, 10))
    assert not body["split_known"]


@pytest.mark.parametrize(("given", "shown"), [(12.34567, 12.346), (3, 3.0), (0.0004, 0.0), (None, None)])
def test_seconds_have_the_precision_of_their_column(given, shown):
    body = views.usage_body(UsageRecorded("transcription", "i", AT, "m", None, given, complete=True))
    assert body["seconds"] == shown


CHANGES = {
    "turn": TurnChanged(TURN, AT),
    "call": CallStateChanged(CallState.ACTIVE, AT),
    "usage": UsageRecorded("response", "r", AT, "m", Tokens(), None, complete=True),
    "gap": GapRecorded(AT, AT, "socket_closed"),
    "command": CommandChanged(ID, CommandState.SENT, AT),
    "note": NoteAdded("keypad", AT, {"key": "5"}),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_every_change_has_its_kind_and_is_plain_json(kind):
    found, body = views.entry(CHANGES[kind])
    assert found == kind
    assert json.loads(json.dumps(body)) == body


def test_an_attachment_is_part_of_the_calls_row():
    assert views.entry(AttachmentChanged(Attachment.ATTACHED, AT, "1006")) == ("call", {"attachment": "attached"})


def test_signs_are_part_of_the_calls_row():
    kind, body = views.entry(SignsChanged(Signs(3, AT), AT))
    assert kind == "call"
    assert body == {"interruptions": 3, "interrupted_at": ISO} | dict.fromkeys(views.SIGN_TIMES[1:])
    assert set(body) == {field.name for field in fields(Signs)}


def test_columns_without_an_entry_are_not_told():
    kind, body = views.entry(SessionChanged({"model": "m", "audio": {"output": {"voice": "ash"}}}, AT)) or ("", {})
    assert (kind, body["model"], body["voice"], body["speed"]) == ("session", "m", "ash", None)
    assert views.entry(RateLimitsChanged({}, AT)) is None


def test_the_protocols_page_lists_what_is_told():
    page = (Path(__file__).resolve().parents[2] / "docs" / "feed-protocol.md").read_text(encoding="utf-8")
    for kind, change in CHANGES.items():
        [described] = re.findall(rf"^\| `{kind}` \| (.*) \|", page.split("**Stream `call:<code>`**")[1], re.MULTILINE)
        if kind not in {"call", "command"}:  # parts: not every field is in every entry
            missing = [name for name in views.entry(change)[1] if not re.search(rf"\b{name}\b", described)]
            assert missing == [], kind
