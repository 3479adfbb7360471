"""All faults, in the order of their numbers."""

from __future__ import annotations

from tests.faults import (
    browsers,
    commands,
    database,
    deploys,
    hosts,
    networks,
    provider,
    redis,
    spools,
    webhooks,
    workers,
)
from tests.faults.fault import FAULTS, Fault

TOPICS = (workers, redis, database, spools, webhooks, provider, browsers, commands, hosts, networks, deploys)


def number(fault_id: str) -> int:
    return int(fault_id.removeprefix("F"))


def chosen(only: str) -> list[Fault]:
    """The faults named in `only`, comma separated; all of them where it is empty. Raises KeyError."""
    wanted = [name.strip().upper() for name in only.split(",") if name.strip()] or list(FAULTS)
    return [FAULTS[name] for name in sorted(wanted, key=number)]
