"""What a worker holds in its hands: its database role, leases, and calls to store changes of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg
from channels.db import database_sync_to_async
from psycopg import AsyncConnection

from calls.actions import leases
from calls.actions.ingest import Batch, CallRef, Stored, store
from calls.domain.changes import CommandChanged, Turn, TurnChanged, UsageRecorded
from calls.domain.events import Tokens
from calls.domain.states import CommandState
from calls.models import Call, Tenant
from calls.selectors.sideband import briefing
from calls.sideband import database
from calls.tenancy import tenant_scope
from tests.factories import NOON

T = TypeVar("T")
LIMIT_S = 30.0
"""For what comes: on a busy machine it comes late"""


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@asynccontextmanager
async def connected():
    """A connection under the sideband role."""
    connection = await database.listener()
    try:
        yield connection
    finally:
        await connection.close()


@database_sync_to_async
def within(tenant: Tenant, work: Callable[[], T]) -> T:
    """Do something with the ORM, beside the loop and in the tenant's scope."""
    with tenant_scope(tenant.id):
        return work()


def as_owner(url: str, statement: str, *values: object) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as owner:
        cursor = owner.execute(statement, values or None)
        return cursor.fetchall() if cursor.description else []


def run_out(url: str, *, seconds: float = 1) -> None:
    """All leases ran out so long ago."""
    as_owner(
        url,
        "update calls_call set lease_expires = clock_timestamp() - make_interval(secs => %s) where owner is not null",
        seconds,
    )


async def hold(connection: AsyncConnection[Any], call: Call, owner: UUID) -> CallRef:
    """Take the call's lease, as a supervisor does."""
    [lease] = await leases.take(connection, owner, limit=1, calls=[call.pk])
    brief = await briefing(connection, lease.call, lease.epoch)
    answered = brief.answered_at is not None
    return CallRef(brief.id, brief.code, brief.tenant_id, brief.stream_epoch, lease.epoch, answered)


class Pen:
    """One worker's writing of one call."""

    def __init__(self, connection: AsyncConnection[Any], owner: UUID, ref: CallRef) -> None:
        self.connection = connection
        self.owner = owner
        self.ref = ref

    @classmethod
    async def of(cls, connection: AsyncConnection[Any], call: Call) -> Pen:
        owner = uuid4()
        return cls(connection, owner, await hold(connection, call, owner))

    async def write(self, *changes: Any, **columns: Any) -> Stored:
        return await store(self.connection, self.owner, [Batch(self.ref, list(changes), columns)])

    async def column(self, name: str) -> Any:
        [[value]] = await fetch(self.connection, f"select {name} from calls_call where id = %s", self.ref.id)
        return value


async def fetch(connection: AsyncConnection[Any], statement: str, *values: object) -> Sequence[Any]:
    return await (await connection.execute(statement, values)).fetchall()


async def until(condition: Callable[[], Any], seconds: float = LIMIT_S, pause: float = 0.01) -> Any:
    """Wait for a condition, asynchronous or not; its value."""
    async with asyncio.timeout(seconds):
        while True:
            value = condition()
            if asyncio.iscoroutine(value):
                value = await value
            if value:
                return value
            await asyncio.sleep(pause)


def turn(item_id: str = "item_1", text: str = "Hello.", **fields: Any) -> TurnChanged:
    given = {"rank": 1.0, "kind": "message", "speaker": "caller", "status": "completed", "started_at": at(2), **fields}
    return TurnChanged(Turn(item_id=item_id, text=text, **given), at(3))


def usage(ref_id: str = "resp_1", *, complete: bool = True, seconds: float = 4, **tokens: int) -> UsageRecorded:
    counted = Tokens(**{"input_text": 10, "output_audio": 90, "total": 100, **tokens}) if complete else None
    return UsageRecorded("response", ref_id, at(seconds), "gpt-realtime", counted, None, complete)


def command(id: UUID, state: str, seconds: float = 5, **fields: str) -> CommandChanged:
    return CommandChanged(id, CommandState(state), at(seconds), **fields)
