"""Claims what operators asked of the calls of this process, and hands it to their runners."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from calls.actions import leases
from calls.actions.leases import Lease
from calls.domain.changes import CommandChanged
from calls.domain.commands import Command, Verb
from calls.domain.states import CommandState
from calls.exceptions import InvalidTransition
from calls.sideband.runner import Runner
from calls.sideband.writer import Writer

logger = logging.getLogger(__name__)

UNKNOWN_VERB = "The worker that watches this call is of another version and does not know this command."


async def claim(
    pool: AsyncConnectionPool[AsyncConnection[Any]],
    owner: UUID,
    watched: Sequence[Lease],
    runners: Mapping[int, Runner],
    writer: Writer,
) -> None:
    """Under the epochs of these leases. A command of another version is refused, the others are carried out."""
    async with pool.connection() as connection:
        claimed = await leases.claim_commands(connection, owner, watched)
    for call, command, verb, text, settings in claimed:
        # A call that ended in this moment takes no command: `settle_overdue` tells the operator.
        if runner := runners.get(call):
            now = datetime.now(UTC)
            writer.put(runner.ref, [CommandChanged(command, CommandState.CLAIMED, now)], {})
            if verb not in set(Verb):
                # Asked by a newer web process; the others that were claimed with it must not be lost.
                writer.put(runner.ref, [CommandChanged(command, CommandState.REFUSED, now, UNKNOWN_VERB)], {})
                continue
            try:
                runner.command(Command(command, Verb(verb), text, settings))
            except InvalidTransition:
                logger.exception("a command could not be taken", extra={"command": str(command)})
