"""Calls that were over before they were told of: stored whole, for a demo's past.

Their streams are complete, so the page of one is like any other's; the tenant's stream, which moves the Live page,
does not mention them. Idempotent on the provider's call id.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from psycopg import AsyncConnection

from calls.actions import ingest
from calls.domain.changes import CallStateChanged, Numbered
from calls.models import Agent, Call, InstructionVersion, ProviderAccount, TenantStream

CALLS_AT_ONCE = 10
"""In one transaction: some thousand rows, well under a second"""
_EPOCH = 1


@dataclass(slots=True)
class PastCall:
    """One call from its ring to its end, as a session told it."""

    from_number: str
    to_number: str
    started_at: datetime
    changes: list[Numbered] = field(default_factory=list)
    columns: dict[str, Any] = field(default_factory=dict)
    code: UUID = field(default_factory=uuid.uuid4)

    def end(self) -> CallStateChanged:
        return next(change for change in reversed(self.changes) if isinstance(change, CallStateChanged))


def known(prefix: str) -> bool:
    """Whether calls whose ids begin so are stored already, in the tenant in scope. Removes what was half stored."""
    found = Call.objects.filter(call_id__startswith=prefix)
    if found.filter(owner__isnull=False).exists():
        found.delete()
    return found.exists()


def open_rows(
    calls: Sequence[PastCall],
    *,
    prefix: str,
    account: ProviderAccount,
    agent: Agent,
    version: InstructionVersion | None,
    owner: UUID,
) -> list[ingest.Batch]:
    """Rows of calls that are over, held by `owner` until `fill` has stored what was said in them.

    Their ids at the provider are the prefix and a number.
    """
    epoch = str(TenantStream.objects.get().epoch)
    rows = [
        Call(
            tenant_id=account.tenant_id,
            code=one.code,
            call_id=f"{prefix}_{number}",
            account=account,
            agent=agent,
            instruction_version=version,
            from_number=one.from_number,
            to_number=one.to_number,
            media_security="srtp",
            state=one.end().state.value,
            started_at=one.started_at,
            ended_at=one.end().at,
            owner=owner,
            epoch=_EPOCH,
        )
        for number, one in enumerate(calls)
    ]
    with transaction.atomic():
        Call.objects.bulk_create(rows)
    return [
        ingest.Batch(ingest.CallRef(row.pk, row.code, row.tenant_id, epoch, _EPOCH), one.changes, one.columns)
        for row, one in zip(rows, calls, strict=True)
    ]


async def fill(connection: AsyncConnection[Any], owner: UUID, batches: Sequence[ingest.Batch]) -> None:
    """Store what happened in the calls, as the hot path does; each gives its `owner` up with that."""
    for first in range(0, len(batches), CALLS_AT_ONCE):
        await ingest.store(connection, owner, batches[first : first + CALLS_AT_ONCE], past=True)
