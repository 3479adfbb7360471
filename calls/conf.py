"""Typed view of settings.CALLS and of the few settings beside it that rules need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Conf:
    slots: int
    """Calls that one sideband worker takes at most"""
    accept_max_age: timedelta
    """Older announcements are missed calls: nobody is waiting any more"""
    flush: timedelta
    """Longest time that a change waits for its transaction"""
    backlog_changes: int
    """Of one worker, that wait in memory while the database is away; more go to the spool"""
    spool_dir: Path
    """Where a worker keeps what neither PostgreSQL nor its memory takes"""
    spool_bytes: int
    """Of one worker's file, at most"""
    sockets_per_user: int
    """Of one web process, as the next one"""
    sockets_per_tenant: int
    public_url: str
    status_token: str
    """With it a program may read what the processes count; empty: nobody but staff"""
    private_providers: bool
    """Members may give provider accounts an address on this machine or its network"""
    demo: bool
    """The sample installation of `make demo`"""


def conf() -> Conf:
    values: dict[str, Any] = settings.CALLS
    return Conf(
        slots=values["slots"],
        accept_max_age=timedelta(seconds=values["accept_max_age_s"]),
        flush=timedelta(milliseconds=values["flush_ms"]),
        backlog_changes=values["backlog_changes"],
        spool_dir=Path(values["spool_dir"]),
        spool_bytes=values["spool_mb"] * 2**20,
        sockets_per_user=values["sockets_per_user"],
        sockets_per_tenant=values["sockets_per_tenant"],
        public_url=settings.PUBLIC_URL,
        status_token=values["status_token"],
        private_providers=bool(values["private_providers"]),
        demo=bool(values["demo"]),
    )
