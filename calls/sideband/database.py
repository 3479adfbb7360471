"""The loop's own connections to PostgreSQL, under the sideband role. No ORM: it would block the loop."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool

POOL_MIN, POOL_MAX = 2, 8
WAIT_S = 5.0
STATEMENT_LIMIT = "15s"
"""A statement that takes longer is given up and its batch tried again."""
LOCK_LIMIT = "5s"


def _parameters() -> dict[str, Any]:
    database = settings.DATABASES["owner"]
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    given = {ours: database[theirs] for theirs, ours in names.items() if database[theirs]}
    session = f"-c role={settings.SIDEBAND_ROLE} -c statement_timeout={STATEMENT_LIMIT} -c lock_timeout={LOCK_LIMIT}"
    return given | dict(database["OPTIONS"]) | {"options": session, "autocommit": True, "connect_timeout": 5}


def pool() -> AsyncConnectionPool[AsyncConnection[Any]]:
    """A closed pool; open it on the loop. A connection is checked before it is lent: PostgreSQL may have restarted."""
    return AsyncConnectionPool(
        kwargs=_parameters(),
        min_size=POOL_MIN,
        max_size=POOL_MAX,
        timeout=WAIT_S,
        max_lifetime=1800,
        check=AsyncConnectionPool.check_connection,
        open=False,
        name="sideband",
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
