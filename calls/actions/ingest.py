"""The hot path: changes of many calls, stored in one transaction that fences, numbers and hands back what to announce.

Plain SQL on the sideband role's connection, batches as JSON (`json_to_recordset`): row-level security rules COPY out
(docs/decisions/0003). Idempotent on the provider's item and response ids: overlapping owners store a fact once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg import AsyncConnection, AsyncPipeline

from calls import feed
from calls.actions import _ingest_sql as sql
from calls.domain.changes import (
    AttachmentChanged,
    CallStateChanged,
    CommandChanged,
    GapRecorded,
    Numbered,
    RateLimitsChanged,
    SessionChanged,
    SignsChanged,
    TurnChanged,
    UsageRecorded,
)
from calls.domain.states import LIVE, CallState
from calls.domain.views import Body, entry, iso, usage_body

Row = dict[str, Any]


@dataclass(slots=True)
class CallRef:
    """What the hot path must know of a call."""

    id: int
    code: UUID
    tenant_id: UUID
    stream_epoch: str
    epoch: int
    """Lease epoch: the fencing token"""
    answered: bool = False
    heard_at: datetime | None = None
    """When the provider was last heard by this owner"""
    seq: int = 0
    """The last number that this owner stored in the call's stream"""


@dataclass(slots=True)
class Batch:
    """Changes of one call, in order, with the columns that the picture of the call needs (floor, last words, …)."""

    ref: CallRef
    changes: list[Numbered] = field(default_factory=list)
    columns: Row = field(default_factory=dict)
    flush: int | None = None
    """Number of the flush that this is part of, ascending for an owner: stored once, however often it is given.
    None: not known again"""

    def add(self, changes: Sequence[Numbered], columns: Row) -> None:
        """Take what came later. Columns say how it is now, but for `oddities`, which counts what was added."""
        self.changes += changes
        if "oddities" in columns:
            columns = columns | {"oddities": self.columns.get("oddities", 0) + columns["oddities"]}
        self.columns |= columns


@dataclass(slots=True)
class Stored:
    fenced: set[int]
    """Calls whose epoch is no longer ours: nothing of theirs was stored"""
    announcements: list[tuple[str, feed.Message]]
    """(group, message), to be sent after the commit; none for calls that nobody follows"""
    before: int = 0
    """Batches that had been stored before: their commit was not heard of, nor announced; screens find them by the
    heads"""


async def store(
    connection: AsyncConnection[Any],
    owner: UUID,
    batches: Sequence[Batch],
    *,
    past: bool = False,
    follows: Callable[[str], bool] = lambda group: True,
) -> Stored:
    """Store the batches of one process in one transaction. One fenced call does not spoil the others.

    Calls of the `past` are no news to the pages of their tenants. Whether somebody `follows` a call is asked after the
    commit: who begins later finds in PostgreSQL what was stored before.
    """
    plans = {batch.ref.id: _Plan(batch) for batch in batches}
    # In two exchanges with the server where no tenant is told: what begins the transaction goes with the fence, what
    # ends it with the rows.
    async with connection.pipeline() as pipeline, connection.transaction():
        exchange = _Exchange(connection, pipeline)
        rows = await exchange.rows(sql.FENCE, _json([plan.head for plan in plans.values()]), owner)
        last_seq = {row[0]: row[1] for row in rows}
        before = await _stored_before(exchange, [plan for call, plan in plans.items() if call not in last_seq])
        held = [plan for call, plan in plans.items() if call in last_seq]
        for plan in held:
            plan.number(last_seq[plan.ref.id])
        tenants = {} if past else await _number_tenants(exchange, held)
        await _insert(connection, held, tenants)
    for plan in plans.values():
        if plan.ref.id in last_seq or plan.ref.id in before:
            plan.ref.answered = plan.ref.answered or plan.answers
    for plan in held:
        plan.ref.seq = last_seq[plan.ref.id]
    announcements = [plan.announcement() for plan in held if plan.entries and follows(feed.call_group(plan.ref.code))]
    announcements += [_announce_tenant(tenant, entries) for tenant, entries in tenants.items()]
    return Stored(plans.keys() - last_seq.keys() - before, announcements, len(before))


@dataclass(frozen=True, slots=True)
class _Exchange:
    """What is asked in the middle of the transaction."""

    connection: AsyncConnection[Any]
    pipeline: AsyncPipeline

    async def rows(self, statement: str, *values: object) -> list[Any]:
        """The answer, and the server at rest after it. Without that it waits for the rest of the pipeline, and no
        time-out of its own ends that: a process that stands still then would hold the rows of its calls for good."""
        cursor = await self.connection.execute(statement, values)
        await self.pipeline.sync()
        return await cursor.fetchall()


class _Plan:
    """What one call's batch means for each table."""

    def __init__(self, batch: Batch) -> None:
        self.ref = batch.ref
        self.entries: list[Row] = []
        self.coarse: list[Body] = []
        self.turns: dict[str, Row] = {}
        self.usage: dict[tuple[str, str], Row] = {}
        self.billed: set[tuple[str, str]] = set()
        """What has its figures: they are not taken back"""
        self.gaps: dict[datetime, Row] = {}
        self.commands: list[Row] = []
        self.answers = False
        self.columns: Row = dict(batch.columns)
        for change in batch.changes:
            self._take(change)
        self.head = {"id": self.ref.id, "epoch": self.ref.epoch, "n": len(self.entries)} | self.columns
        if batch.flush is not None:
            self.head["flush"] = batch.flush

    def _take(self, change: Numbered) -> None:
        if isinstance(change, UsageRecorded) and not change.complete and (change.kind, change.ref_id) in self.billed:
            return
        first_answer = (
            isinstance(change, CallStateChanged)
            and change.state is CallState.ACTIVE
            and not (self.ref.answered or self.answers)
        )
        found = entry(change, first_answer=first_answer)
        if found is not None:
            kind, body = found
            self.entries.append({"kind": kind, "at": iso(change_time(change)), "body": body})
            if kind == "call":
                self.coarse.append({"code": str(self.ref.code)} | body)
        key = {"tenant_id": str(self.ref.tenant_id), "call_id": self.ref.id}
        match change:
            case CallStateChanged():
                self.answers = self.answers or first_answer
                self._state(change, first_answer=first_answer)
            case AttachmentChanged():
                self.columns["attachment"] = change.attachment.value
            case TurnChanged():
                turn = found[1] if found else {}
                # Full precision for the table; the feed's milliseconds are for people.
                times = {"started_at": change.turn.started_at, "ended_at": change.turn.ended_at}
                self.turns[change.turn.item_id] = key | turn | times
            case UsageRecorded():
                self.usage[change.kind, change.ref_id] = key | usage_body(change) | {"at": change.at}
                if change.complete:
                    self.billed.add((change.kind, change.ref_id))
                else:
                    self._usage_is_incomplete(change.at)
            case GapRecorded():
                # A reply that began and ended unheard leaves no trace, and its bill cannot be asked for.
                self._usage_is_incomplete(change.ended_at)
                times = {"started_at": change.started_at, "ended_at": change.ended_at}
                self.gaps[change.started_at] = key | times | {"cause": change.cause}
            case CommandChanged():
                self.commands.append({"id": str(change.command_id), "at": change.at} | (found[1] if found else {}))
            case SessionChanged():
                self.columns |= {"session": dict(change.session), "deadline": change.expires_at}
            case SignsChanged():
                self.columns |= {"signs": True} | asdict(change.signs)
            case RateLimitsChanged():
                self.columns["rate_limits"] = dict(change.limits)
            case _:
                pass

    def _state(self, change: CallStateChanged, *, first_answer: bool) -> None:
        self.columns["state"] = change.state.value
        if change.reason is not None:
            self.columns["end_reason"] = change.reason.value
        if change.detail:
            self.columns["detail"] = change.detail[:500]
        if first_answer:
            self.columns["answered_at"] = change.at
        if change.state not in LIVE:
            self.columns["ended_at"] = change.at

    def _usage_is_incomplete(self, at: datetime) -> None:
        if not self.columns.get("usage_incomplete"):
            self.columns["usage_incomplete"] = True
            self._say({"usage_incomplete": True}, at)

    def _say(self, body: Body, at: datetime) -> None:
        self.entries.append({"kind": "call", "at": iso(at), "body": body})
        self.coarse.append({"code": str(self.ref.code)} | body)

    def number(self, last: int) -> None:
        for seq, row in enumerate(self.entries, last - len(self.entries) + 1):
            row["seq"] = seq

    def announcement(self) -> tuple[str, feed.Message]:
        stream = f"call:{self.ref.code}"
        return feed.call_group(self.ref.code), feed.entries_message(stream, self.ref.stream_epoch, self.entries)


def change_time(change: Numbered) -> datetime:
    return change.ended_at if isinstance(change, GapRecorded) else change.at


async def _stored_before(exchange: _Exchange, missing: Sequence[_Plan]) -> set[int]:
    known = [plan.head for plan in missing if "flush" in plan.head]
    if not known:
        return set()
    return {row[0] for row in await exchange.rows(sql.STORED_BEFORE, _json(known))}


async def _number_tenants(exchange: _Exchange, plans: Sequence[_Plan]) -> dict[tuple[UUID, str], list[Row]]:
    """Take numbers in the tenants' streams, in one order for all writers so that none waits for another's lock."""
    coarse: dict[UUID, list[Body]] = defaultdict(list)
    for plan in plans:
        coarse[plan.ref.tenant_id] += plan.coarse
    wanted = [{"id": str(tenant), "n": len(bodies)} for tenant, bodies in coarse.items() if bodies]
    if not wanted:
        return {}
    rows = await exchange.rows(sql.NUMBER_TENANTS, _json(wanted))
    numbered: dict[tuple[UUID, str], list[Row]] = {}
    for tenant, epoch, last, now in rows:
        bodies = coarse[tenant]
        numbered[tenant, str(epoch)] = [
            {"seq": seq, "kind": "call", "at": iso(now), "body": body}
            for seq, body in enumerate(bodies, last - len(bodies) + 1)
        ]
    return numbered


async def _insert(
    connection: AsyncConnection[Any], plans: Sequence[_Plan], tenants: dict[tuple[UUID, str], list[Row]]
) -> None:
    events = [
        row | {"tenant_id": str(plan.ref.tenant_id), "call_id": plan.ref.id} for plan in plans for row in plan.entries
    ]
    tenant_events = [row | {"tenant_id": str(tenant)} for (tenant, _), rows in tenants.items() for row in rows]
    for statement, rows in (
        (sql.CALL_EVENTS, events),
        (sql.TENANT_EVENTS, tenant_events),
        (sql.TURNS, [row for plan in plans for row in plan.turns.values()]),
        (sql.USAGE, [row for plan in plans for row in plan.usage.values()]),
        (sql.GAPS, [row for plan in plans for row in plan.gaps.values()]),
    ):
        if rows:
            await connection.execute(statement, [_json(rows)])
    # One by one: several changes of the same command may stand in one batch, and their order matters.
    for command in (row for plan in plans for row in plan.commands):
        await connection.execute(sql.COMMANDS, [_json([command])])


def _announce_tenant(tenant: tuple[UUID, str], entries: list[Row]) -> tuple[str, feed.Message]:
    return feed.tenant_group(tenant[0]), feed.entries_message("tenant", tenant[1], entries)


def _json(rows: Sequence[Row]) -> str:
    return orjson.dumps(rows, default=str).decode()
