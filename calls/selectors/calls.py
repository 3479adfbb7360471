"""One call with everything in it, the history list, and entries of a call's stream. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from calls.domain.effective import summary
from calls.domain.views import TOKEN_FIELDS, Body, gap_body, iso, turn_body
from calls.exceptions import InvalidInput, NotFound
from calls.models import Call, CallEvent, Command, Gap, TenantStream, TokenUsage, Turn
from calls.providers import session_body
from calls.selectors.live import Snapshot, entry_body, row_body

HISTORY_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the history; `next` is the cursor of the following one, None on the last."""

    rows: list[Body]
    next: str | None


def get(code: UUID) -> Call:
    """Raises NotFound, also for another tenant's call."""
    try:
        return Call.objects.select_related("agent", "instruction_version").get(code=code)
    except Call.DoesNotExist as error:
        raise NotFound("no such call") from error


def snapshot(code: UUID, *, reveal: bool) -> Snapshot:
    """The call page's whole picture. Raises NotFound."""
    return snapshot_of(get(code), reveal=reveal)


def snapshot_of(call: Call, *, reveal: bool) -> Snapshot:
    """The position was read with the call, before the rest: an entry may be told twice, never missed."""
    stream = TenantStream.objects.get()
    notes = CallEvent.objects.filter(call=call, kind="note").order_by("seq")
    body: Body = {
        "call": row_body(call, reveal=reveal),
        "turns": [turn_body(turn) for turn in Turn.objects.filter(call=call).order_by("rank", "id")],
        "usage": [_usage_body(row) for row in TokenUsage.objects.filter(call=call).order_by("id")],
        "gaps": [gap_body(gap) for gap in Gap.objects.filter(call=call).order_by("started_at")],
        "commands": [
            command_row(row) for row in Command.objects.filter(call=call).select_related("by").order_by("requested_at")
        ],
        "session": None if call.session is None else summary(call.session),
        "notes": [{"seq": note.seq} | note.body for note in notes],
    }
    return Snapshot(f"call:{call.code}", str(stream.epoch), call.last_seq, body)


def published_session(call: Call) -> dict[str, Any]:
    """The session body that the agent's own settings make; {} where there is no agent, or its settings are no body."""
    if call.agent is None:
        return {}
    try:
        return session_body.build(call.agent.model, call.agent.voice, "", call.agent.settings)
    except InvalidInput:
        return {}  # the agent's own page says what is wrong with it


def history(*, reveal: bool, before: str | None, limit: int) -> Page:
    """Calls of the tenant, newest first. `before` is a cursor that this function gave. Raises InvalidInput."""
    limit = min(limit, HISTORY_LIMIT)
    calls = Call.objects.select_related("agent", "instruction_version").order_by("-started_at", "-id")
    if before:
        at, pk = _read_cursor(before)
        calls = calls.filter(Q(started_at__lt=at) | Q(started_at=at, pk__lt=pk))
    found = list(calls[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return Page(
        [row_body(call, reveal=reveal) for call in found[:limit]],
        f"{last.started_at.isoformat()}_{last.pk}" if last else None,
    )


def _read_cursor(cursor: str) -> tuple[datetime, int]:
    try:
        at, pk = cursor.rsplit("_", 1)
        started_at = datetime.fromisoformat(at)
        if started_at.tzinfo is None:
            raise ValueError("no time zone")
        return started_at, int(pk)
    except ValueError as error:
        raise InvalidInput("not a position in this list: start again from its first page", "before") from error


def command_row(command: Command) -> Body:
    """A command as the feed shows it."""
    return {
        "id": str(command.id),
        "verb": command.verb,
        "text": command.text,
        "by": str(command.by) if command.by else "system",
        "state": command.state,
        "detail": command.detail,
        "after_item_id": command.after_item_id,
        "requested_at": iso(command.requested_at),
        "claimed_at": iso(command.claimed_at),
        "sent_at": iso(command.sent_at),
        "settled_at": iso(command.settled_at),
    }


def entries_after(code: UUID, seq: int, limit: int) -> list[Body]:
    """Entries of the call's stream with larger numbers, in order."""
    found = CallEvent.objects.filter(call__code=code, seq__gt=seq).order_by("seq")[:limit]
    return [entry_body(event) for event in found]


def _usage_body(row: TokenUsage) -> Body:
    return {
        "kind": row.kind,
        "ref_id": row.ref_id,
        "model": row.model,
        **{name: getattr(row, name) for name in TOKEN_FIELDS},
        "split_known": row.split_known,
        "seconds": None if row.seconds is None else float(row.seconds),
        "complete": row.complete,
        "at": iso(row.at),
    }
