"""The loop's own connections to PostgreSQL, under the sideband role. No ORM: it would block the loop."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import Any

from django.conf import settings
from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool

WAIT_S = 2.5
"""For a connection of a pool; who gets none asks again"""
RECONNECT_S = 2.0
"""The pool's own tries grow further and further apart; after so long it leaves trying to the next who asks"""
LIMITS = {
    # A statement that takes longer is given up and its batch tried again.
    "statement_timeout": "15s",
    # A flush that waits for a lock holds the rows of its calls, and their leases cannot be renewed meanwhile: it gives
    # up soon enough for a renewal to pass before the fence.
    "lock_timeout": "1s",
    # A worker that is stopped or cut off inside a transaction would hold its rows, and the tenant's, for ever.
    "idle_in_transaction_session_timeout": "5s",
}

HANG_UP_S = 0.2
"""A proxy without a server behind it closes so soon; PostgreSQL waits to be spoken to"""
_PROTOCOL = 3 << 16
_WHO = b"user\0realtime_ops\0\0"
_CANNOT_CONNECT_NOW = b"\0C57P03\0"
"""The field of an ErrorResponse that holds its code"""


def _parameters() -> dict[str, Any]:
    database = settings.DATABASES["owner"]
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    given = {ours: database[theirs] for theirs, ours in names.items() if database[theirs]}
    session = " ".join(f"-c {name}={value}" for name, value in {"role": settings.SIDEBAND_ROLE, **LIMITS}.items())
    return given | dict(database["OPTIONS"]) | {"options": session, "autocommit": True}


def pool(name: str, largest: int) -> AsyncConnectionPool[AsyncConnection[Any]]:
    """A closed pool; open it on the loop. A connection is checked before it is lent: PostgreSQL may have restarted."""
    return AsyncConnectionPool(
        kwargs=_parameters(),
        min_size=1,
        max_size=largest,
        timeout=WAIT_S,
        max_lifetime=1800,
        reconnect_timeout=RECONNECT_S,
        check=AsyncConnectionPool.check_connection,
        open=False,
        name=name,
    )


async def listener(*channels: str) -> AsyncConnection[Any]:
    """A connection of its own that hears `channels`."""
    connection = await AsyncConnection.connect(**_parameters())
    try:
        for channel in channels:
            await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
    except BaseException:
        await connection.close()
        raise
    return connection


def address(connection: AsyncConnection[Any]) -> tuple[str, int]:
    """Where the server of an open connection is: a host's address or the directory of its socket, and the port."""
    info = connection.info
    return info.hostaddr or info.host, info.port


async def refuses(server: tuple[str, int]) -> bool:
    """Whether nobody can use it: nobody listens, it hangs up at once (a proxy without a server behind it), or it says
    that it is starting, stopping or recovering.

    Any other answer, and none, leaves open that others can. Asks on the wire itself: the client library tells these
    apart by words only, in the server's language. Waits as long as the caller lets it.
    """
    host, port = server
    try:
        if host.startswith("/"):
            reader, writer = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        else:
            reader, writer = await asyncio.open_connection(host, port)
    except (ConnectionRefusedError, FileNotFoundError):
        return True
    except OSError:
        return False
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HANG_UP_S):
                if not await reader.read(1):
                    return True
        writer.write(struct.pack("!ii", 8 + len(_WHO), _PROTOCOL) + _WHO)
        answer = await reader.read(1024)
    except OSError:  # cut off in the middle: a network does that, too
        return False
    finally:
        writer.transport.abort()
    return answer[:1] == b"E" and _CANNOT_CONNECT_NOW in answer
