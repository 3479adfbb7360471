"""The live page's rows, and entries of the tenant's stream. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from calls.conf import conf
from calls.domain.redaction import mask_number
from calls.domain.views import Body, iso, signs_body
from calls.models import Agent, Call, ProviderAccount, TenantEvent, TenantStream
from calls.models.calls import LIVE_STATES

ENDED_STAYS = timedelta(seconds=30)
"""An ended call keeps its row for so long."""
ROW_LIMIT = 2_000
TALK = timedelta(seconds=60)
"""So much of the talk comes with the first paint."""
TALK_LIMIT = 16
"""Latest utterances of one call that are looked at: nobody speaks more often in a minute."""
AGENT_LIMIT = 200
ADDRESS_LIMIT = 3

_NOT_IN_ROWS = ("session", "rate_limits", "agent__settings", "agent__greeting", "instruction_version__text")
"""Kilobytes of each call that no row shows"""

_ISO = "to_char({} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
"""As domain.views.iso has it; 12,000 moments of a busy tenant are written faster where they are"""
_TALK = f"""
select c.code, t.speaker, {_ISO.format("t.started_at")}, {_ISO.format("t.ended_at")}
from calls_call c cross join lateral (
    select speaker, started_at, case when status = 'open' then null else ended_at end as ended_at
    from calls_turn where call_id = c.id and kind = 'message' and speaker in ('caller', 'agent')
    order by rank desc limit %s
) t
where c.id = any(%s) and coalesce(t.ended_at, now()) > %s
order by c.id, t.started_at
"""  # noqa: S608  constants of this module


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A stream's whole picture at a position."""

    stream: str
    epoch: str
    seq: int
    body: Body

    def first(self) -> Body:
        """As a page holds it for its script. Not `asdict`: that copies every row, for a third of the page's time."""
        return {"stream": self.stream, "epoch": self.epoch, "seq": self.seq, "body": self.body}


def snapshot(*, reveal: bool) -> Snapshot:
    """All rows of the tenant in scope. The position is read first: an entry may be told twice, never missed."""
    stream = TenantStream.objects.get()
    calls = list(shown_calls())
    rows = [row_body(call, reveal=reveal) for call in calls]
    body = {"rows": rows, "talk": recent_talk([call.pk for call in calls])}
    return Snapshot("tenant", str(stream.epoch), stream.last_seq, body)


def shown_calls() -> QuerySet[Call]:
    """Calls that have a row: at most ROW_LIMIT, from two partial indexes, however long the tenant's history is."""
    recent = timezone.now() - ENDED_STAYS
    return (
        Call.objects.filter(Q(state__in=LIVE_STATES) | Q(ended_at__gte=recent))
        .select_related("agent", "instruction_version")
        .defer(*_NOT_IN_ROWS)
        .order_by("started_at")[:ROW_LIMIT]
    )


def recent_talk(calls: Sequence[int]) -> dict[str, list[list[str | None]]]:
    """[speaker, start, end or null if it goes on] of the last minute, by code; calls in which nobody spoke are absent.

    One read: for each call its latest TALK_LIMIT utterances, by the index of turns by call.
    """
    talk: dict[str, list[list[str | None]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_TALK, [TALK_LIMIT, list(calls), timezone.now() - TALK])
        for code, *span in cursor.fetchall():
            talk.setdefault(str(code), []).append(span)
    return talk


def agent_names() -> list[str]:
    """Of the tenant in scope, by name."""
    return list(Agent.objects.order_by("name").values_list("name", flat=True)[:AGENT_LIMIT])


def webhook_addresses() -> list[str]:
    """Where the provider is to announce calls of the tenant in scope, the newest account first."""
    tokens = ProviderAccount.objects.order_by("-id").values_list("path_token", flat=True)[:ADDRESS_LIMIT]
    return [f"{conf().public_url}/webhooks/openai/{token}/" for token in tokens]


def row_body(call: Call, *, reveal: bool) -> Body:
    """One call as a row. `reveal`: with the caller's whole number."""
    return {
        "code": str(call.code),
        "state": call.state,
        "attachment": call.attachment,
        "floor": call.floor,
        "end_reason": call.end_reason,
        "detail": call.detail,
        "from": call.from_number if reveal else mask_number(call.from_number),
        "to": call.to_number,
        "agent": call.agent.name if call.agent else "",
        "version": call.instruction_version.number if call.instruction_version else None,
        "started_at": iso(call.started_at),
        "answered_at": iso(call.answered_at),
        "ended_at": iso(call.ended_at),
        "last_event_at": iso(call.last_event_at),
        "last_words": call.last_words,
        "last_speaker": call.last_speaker,
        "reply_ms": call.reply_ms,
        "quiet_since": iso(call.quiet_since),
        **signs_body(call),
        "usage_incomplete": call.usage_incomplete,
        "oddities": call.oddities,
    }


def masked(body: Body) -> Body:
    """The same body with a masked caller, for entries on their way to a reader without *reveal*."""
    return body | {"from": mask_number(body["from"])} if "from" in body else body


def entries_after(seq: int, limit: int) -> list[Body]:
    """Entries of the tenant's stream with larger numbers, in order."""
    found = TenantEvent.objects.filter(seq__gt=seq).order_by("seq")[:limit]
    return [entry_body(event) for event in found]


def entry_body(event: Any) -> Body:
    return {"seq": event.seq, "kind": event.kind, "at": iso(event.at), "body": event.body}
