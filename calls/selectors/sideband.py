"""What an owner needs to watch a call: where it is, how it is configured, and what is known of it so far.

Reads with the sideband role's asynchronous connection; the ORM stays off the loop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row, namedtuple_row

from calls.domain.changes import Signs, Turn
from calls.domain.states import Attachment, CallState, EndReason
from calls.providers.base import Account
from calls.sealing import unseal


@dataclass(frozen=True, slots=True)
class PendingCommand:
    id: UUID
    verb: str
    text: str
    state: str
    claimed_at: datetime
    sent_at: datetime | None
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Briefing:
    """Everything about one call that its new owner starts from."""

    id: int
    code: UUID
    tenant_id: UUID
    stream_epoch: str
    call_id: str
    state: CallState
    attachment: Attachment
    started_at: datetime
    age: timedelta
    """Since then, by the database's clock, as of this reading"""
    answered_at: datetime | None
    last_event_at: datetime | None
    deadline: datetime | None
    signs: Signs
    account: Account
    has_agent: bool
    busy: bool
    """Beyond the tenant's limit of calls at once: to be refused"""
    model: str
    voice: str
    greeting: str
    instructions: str
    settings: dict[str, Any]
    turns: list[Turn]
    commands: list[PendingCommand]
    """Claimed or sent under an earlier epoch, and not settled"""


_CALL = """
select c.id, c.code, c.tenant_id, s.epoch as stream_epoch, c.call_id, c.state, c.attachment, c.started_at,
       clock_timestamp() - c.started_at as age, c.answered_at, c.last_event_at, c.deadline, c.end_reason,
       c.interruptions, c.interrupted_at, c.tool_failed_at,
       c.asked_for_person_at, c.unconfirmed_at, c.helped_at, p.kind, p.base_url, p.code as account_code,
       p.api_key_sealed, a.id as agent_id, a.model, a.voice, a.greeting, a.settings, v.text as instructions
from calls_call c
join calls_tenantstream s on s.tenant_id = c.tenant_id
join calls_provideraccount p on p.id = c.account_id
left join calls_agent a on a.id = c.agent_id
left join calls_instructionversion v on v.id = c.instruction_version_id
where c.id = %s
"""
_TURNS = """
select item_id, rank, kind, speaker, status, started_at, ended_at, text, heard_text, heard_ms, name, tool_call_id,
       arguments, output, transcription, response_id, reply_ms, command_id, steps
from calls_turn where call_id = %s order by rank, id
"""


async def briefing(connection: AsyncConnection[Any], call: int, epoch: int) -> Briefing:
    """Read one call for the owner that holds it under `epoch`."""
    cursor = connection.cursor(row_factory=namedtuple_row)
    row: Any = await (await cursor.execute(_CALL, [call])).fetchone()
    # The first owner of a call finds nothing that an earlier one left.
    turns = [] if epoch == 1 else await _turns(connection, call)
    commands = [] if epoch == 1 else await _commands(connection, call, epoch)
    return Briefing(
        id=row.id,
        code=row.code,
        tenant_id=row.tenant_id,
        stream_epoch=str(row.stream_epoch),
        call_id=row.call_id,
        state=CallState(row.state),
        attachment=Attachment(row.attachment),
        started_at=row.started_at,
        age=row.age,
        answered_at=row.answered_at,
        last_event_at=row.last_event_at,
        deadline=row.deadline,
        signs=Signs(
            row.interruptions,
            row.interrupted_at,
            row.tool_failed_at,
            row.asked_for_person_at,
            row.unconfirmed_at,
            row.helped_at,
        ),
        account=Account(
            kind=row.kind,
            base_url=row.base_url,
            api_key=unseal(row.api_key_sealed, tenant=row.tenant_id, row=row.account_code, field="api_key"),
        ),
        has_agent=row.agent_id is not None,
        busy=row.end_reason == EndReason.BUSY,
        model=row.model or "",
        voice=row.voice or "",
        greeting=row.greeting or "",
        instructions=_once(row.instructions or ""),
        settings=row.settings or {},
        turns=turns,
        commands=commands,
    )


@lru_cache(64)
def _once(text: str) -> str:
    """The same text for all calls of a version, which may be many KB; of 64 versions at once."""
    return text


async def _turns(connection: AsyncConnection[Any], call: int) -> list[Turn]:
    rows = await connection.cursor(row_factory=dict_row).execute(_TURNS, [call])
    return [replace(Turn(**row), steps=tuple((ms, size) for ms, size in row["steps"])) for row in await rows.fetchall()]


async def _commands(connection: AsyncConnection[Any], call: int, epoch: int) -> list[PendingCommand]:
    rows = await connection.execute(
        """
        select id, verb, text, state, claimed_at, sent_at, settings from calls_command
        where call_id = %s and state in ('claimed', 'sent') and epoch < %s order by requested_at
        """,
        [call, epoch],
    )
    return [PendingCommand(*row) for row in await rows.fetchall()]
