"""The loop's own connections: another role, bounded statements, and a pool that survives a restart."""

from __future__ import annotations

import pytest
from django.conf import settings

from calls.sideband import database
from tests.sideband.desk import as_owner, connected, fetch

pytestmark = pytest.mark.asyncio


async def test_a_connection_has_the_sidebands_role_and_bounds(committed_db):
    async with connected() as hot:
        [row] = await fetch(
            hot,
            "select current_user, current_setting('statement_timeout'), current_setting('lock_timeout'),"
            " current_setting('idle_in_transaction_session_timeout')",
        )
    assert row == (settings.SIDEBAND_ROLE, *database.LIMITS.values())


async def test_a_listener_hears_its_channels(committed_db):
    listening = await database.listener("one", "two")
    for channel in ("one", "other", "two"):
        as_owner(committed_db, f"notify {channel}, 'x'")
    heard = [notice.channel async for notice in listening.notifies(timeout=5, stop_after=2)]
    await listening.close()
    assert heard == ["one", "two"]


async def test_a_connection_that_the_server_cut_is_replaced_before_it_is_lent(committed_db):
    async with database.pool("test", 1) as pool:
        async with pool.connection() as hot:
            [[first]] = await fetch(hot, "select pg_backend_pid()")
        as_owner(committed_db, "select pg_terminate_backend(%s)", first)
        async with pool.connection() as hot:
            [[second]] = await fetch(hot, "select pg_backend_pid()")
    assert first != second
