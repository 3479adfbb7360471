"""PostgreSQL and Redis for a test session: servers by URL where given, else embedded ones."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from channels.layers import channel_layers
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from realtime_ops import env, services
from realtime_ops.celery import app as celery_app
from tests import lanes
from tests.rig.postgres import migrating, one_at_a_time

KEPT = {"django_migrations", "django_content_type", "auth_permission", "calls_pricelist"}
"""Tables that migrations fill: emptying them would break every later test."""


@contextmanager
def redis() -> Iterator[str]:
    """A Redis whose address settings, channel layer, Celery and child processes know."""
    given = env.text("REDIS_URL")
    if given and lanes.beside_others():
        raise RuntimeError("lanes cannot share the Redis of REDIS_URL: unset it, or LANES=1 make test")
    url, stop = (given, None) if given else services.start_redis(settings.STATE_DIR / "redis")
    os.environ["REDIS_URL"] = settings.REDIS_URL = settings.CELERY_BROKER_URL = url
    settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"][0]["address"] = url
    channel_layers.backends.clear()
    celery_app.conf.broker_url = url
    try:
        yield url
    finally:
        if stop:
            stop()


@contextmanager
def database() -> Iterator[str]:
    """A fresh, migrated database that both aliases and child processes point at; dropped at the end."""
    given = env.text("DATABASE_URL")
    server, stop = (given, None) if given else _embedded(settings.STATE_DIR / "pg")
    name = f"test_realtime_ops_{os.getpid()}"
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    try:
        _as_owner(server, f'drop database if exists "{name}" with (force)', f'create database "{name}"')
        _point_at(url)
        with migrating():
            call_command("migrate", verbosity=0)
        connections["owner"].close()
        yield url
    finally:
        for alias in connections:
            connections[alias].close()
            connections[alias].close_pool()
        _as_owner(server, f'drop database if exists "{name}" with (force)')
        if stop:
            stop()


def _embedded(directory: Path) -> tuple[str, Callable[[], None]]:
    with one_at_a_time(), warnings.catch_warnings(action="ignore"):  # platformdirs: XDG_RUNTIME_DIR is not set
        url, stop = services.start_postgres(directory)
    # A crash may lose everything here, so nothing waits for the disk.
    _as_owner(
        url,
        "alter system set fsync = off",
        "alter system set synchronous_commit = off",
        "alter system set full_page_writes = off",
        "select pg_reload_conf()",
    )
    return url, stop


def _point_at(url: str) -> None:
    os.environ["DATABASE_URL"] = url
    for alias in connections:
        found = env.database(url)
        # The dictionary that every thread's connection is made from; OPTIONS also hold the role and the pool.
        options = {**connections.settings[alias]["OPTIONS"], **found.pop("OPTIONS")}
        connections.settings[alias].update(found, OPTIONS=options)


def _as_owner(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def empty(url: str) -> None:
    """Remove every row that a test committed. Only the owner may: the audit log refuses everybody else."""
    with psycopg.connect(url) as connection:
        connection.execute("set local lock_timeout = '10s'")  # a forgotten transaction of a test's
        rows = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        tables = [sql.Identifier(name) for (name,) in rows if name not in KEPT]
        connection.execute("alter table calls_auditentry disable trigger user")
        connection.execute(sql.SQL("truncate {}").format(sql.SQL(", ").join(tables)))
        connection.execute("alter table calls_auditentry enable trigger user")
