"""The loop's own connections: another role, bounded statements, and a pool that survives a restart."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager

import pytest
from django.conf import settings

from calls.actions import leases
from calls.sideband import database, supervisor
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


ERROR = b"E\x00\x00\x00\x30SFATAL\x00VFATAL\x00C%s\x00Mthe database system is starting up\x00\x00"


@asynccontextmanager
async def answering(answer):
    """A server that says this to everybody; the empty answer is silence."""

    async def serve(reader, writer):
        serving.append(asyncio.current_task())
        await reader.read(1024)
        writer.write(answer)
        if not answer:
            await reader.read()
        writer.close()
        await writer.wait_closed()

    serving = []

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()
        await asyncio.gather(*serving)


@pytest.mark.parametrize(
    ("code", "refused"), [(b"57P03", True), (b"53300", False), (b"28000", False)], ids=["starting", "full", "unknown"]
)
async def test_only_a_server_that_nobody_can_use_refuses(code, refused):
    async with answering(ERROR % code) as server:
        assert await database.refuses(server) is refused


async def test_a_port_at_which_nobody_listens_refuses(tmp_path):
    async with answering(b"") as server:
        pass
    assert await database.refuses(server)
    assert await database.refuses((str(tmp_path), 5432))


async def test_a_proxy_without_a_server_behind_it_refuses():
    async def hang_up(reader, writer):
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    try:
        assert await database.refuses(server.sockets[0].getsockname())
    finally:
        server.close()


async def test_a_connection_that_is_reset_is_no_refusal():
    async def reset(reader, writer):
        await reader.read(1)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    try:
        assert await database.refuses(server.sockets[0].getsockname()) is False
    finally:
        server.close()


async def test_silence_is_no_refusal():
    async with answering(b"") as server:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await database.refuses(server)


async def test_a_living_server_does_not_refuse(committed_db):
    async with connected() as hot:
        assert await database.refuses(database.address(hot)) is False


async def test_a_flush_that_waits_for_a_lock_gives_up_before_its_leases_are_at_risk():
    """It holds the rows that the renewal writes: both a renewal's pause and a wait must pass before the fence."""
    waited = float(database.LIMITS["lock_timeout"].removesuffix("s"))
    assert leases.RENEW_S + 2 * waited + supervisor.LISTEN_RETRY_S < leases.FENCE_S
