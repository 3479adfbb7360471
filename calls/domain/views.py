"""Changes and rows as the feed shows them: (kind, body) pairs of plain JSON values. docs/feed-protocol.md lists them.

One function per shape, used for stored rows and for fresh changes alike: both have the same attribute names, so an
entry and a snapshot cannot drift apart.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from calls.domain.changes import (
    AttachmentChanged,
    CallStateChanged,
    CommandChanged,
    GapRecorded,
    NoteAdded,
    Numbered,
    RateLimitsChanged,
    SessionChanged,
    SignsChanged,
    TurnChanged,
    UsageRecorded,
)
from calls.domain.effective import summary
from calls.domain.states import LIVE, CommandState

Body = dict[str, Any]

TOKEN_FIELDS = (
    "input_text",
    "input_audio",
    "input_image",
    "cached_text",
    "cached_audio",
    "cached_image",
    "output_text",
    "output_audio",
    "total",
)
SIGN_TIMES = ("interrupted_at", "tool_failed_at", "asked_for_person_at", "unconfirmed_at", "helped_at")
_TURN_FIELDS = (
    "item_id",
    "rank",
    "kind",
    "speaker",
    "status",
    "text",
    "heard_text",
    "heard_ms",
    "name",
    "tool_call_id",
    "arguments",
    "output",
    "transcription",
    "response_id",
    "reply_ms",
)
_SETTLED = frozenset(
    {
        CommandState.CONFIRMED,
        CommandState.REFUSED,
        CommandState.NOT_CONFIRMED,
        CommandState.EXPIRED,
        CommandState.CANCELLED,
    }
)
_COMMAND_TIME = {CommandState.CLAIMED: "claimed_at", CommandState.SENT: "sent_at"} | dict.fromkeys(
    _SETTLED, "settled_at"
)


def iso(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and `Z`."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def turn_body(turn: Any) -> Body:
    """From a domain Turn or a row of the table: the attributes are the same."""
    body: Body = {name: getattr(turn, name) for name in _TURN_FIELDS}
    body["command_id"] = str(turn.command_id) if turn.command_id else None
    body["steps"] = [list(step) for step in turn.steps]
    body["started_at"] = iso(turn.started_at)
    body["ended_at"] = iso(turn.ended_at)
    return body


def usage_body(usage: UsageRecorded) -> Body:
    tokens = usage.tokens
    counts = {name: getattr(tokens, name) if tokens else 0 for name in TOKEN_FIELDS}
    return {
        "kind": usage.kind,
        "ref_id": usage.ref_id,
        "model": usage.model,
        **counts,
        "split_known": tokens.split_known if tokens else True,
        "seconds": None if usage.seconds is None else round(usage.seconds, 3),  # the column's precision
        "complete": usage.complete,
        "at": iso(usage.at),
    }


def gap_body(gap: Any) -> Body:
    return {"started_at": iso(gap.started_at), "ended_at": iso(gap.ended_at), "cause": gap.cause}


def command_body(change: CommandChanged) -> Body:
    """The part of a command that a change alters."""
    body: Body = {"id": str(change.command_id), "state": change.state.value}
    body[_COMMAND_TIME[change.state]] = iso(change.at)
    if change.detail:
        body["detail"] = change.detail[:500]
    if change.after_item_id:
        body["after_item_id"] = change.after_item_id
    return body


def signs_body(signs: Any) -> Body:
    """From domain Signs or a row of the table: the attributes are the same. The browser judges by these."""
    return {"interruptions": signs.interruptions} | {name: iso(getattr(signs, name)) for name in SIGN_TIMES}


def state_body(change: CallStateChanged, *, first_answer: bool) -> Body:
    """`first_answer`: this change is the one that answered the call."""
    body: Body = {"state": change.state.value}
    if change.reason is not None:
        body["end_reason"] = change.reason.value
    if change.detail:
        body["detail"] = change.detail[:500]
    if first_answer:
        body["answered_at"] = iso(change.at)
    if change.state not in LIVE:
        body["ended_at"] = iso(change.at)
    return body


def entry(change: Numbered, *, first_answer: bool = False) -> tuple[str, Body] | None:
    """The call stream's entry for a change; None for those that alter columns only (rate limits)."""
    match change:
        case TurnChanged():
            return "turn", turn_body(change.turn)
        case CallStateChanged():
            return "call", state_body(change, first_answer=first_answer)
        case AttachmentChanged():
            return "call", {"attachment": change.attachment.value}
        case UsageRecorded():
            return "usage", usage_body(change)
        case GapRecorded():
            return "gap", gap_body(change)
        case CommandChanged():
            return "command", command_body(change)
        case NoteAdded():
            return "note", {"kind": change.kind, "at": iso(change.at), "body": dict(change.body)}
        case SignsChanged():
            return "call", signs_body(change.signs)
        case SessionChanged():
            return "session", summary(change.session)
        case RateLimitsChanged():
            return None
