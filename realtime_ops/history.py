"""A month of calls for the sample installation: which calls there were, played (realtime_ops.past) and stored.

The newest day first. A day that is stored already stays as it is, so every start adds only the days that are
missing. Today is left to the calls that come in.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from calls.actions import past as store
from calls.models import Agent, InstructionVersion, ProviderAccount, Route, Tenant
from calls.providers import session_body
from calls.providers.incoming import route_for
from calls.sideband import database
from calls.simulator import scenarios
from calls.simulator.provider import draw
from calls.tenancy import tenant_scope
from realtime_ops import past

logger = logging.getLogger(__name__)

Trades = Mapping[str, Mapping[str, str]]
"""Tenant → dialled number → the desk that answers it (realtime_ops.demo)"""
Connections = AsyncConnectionPool[AsyncConnection[Any]]

DAYS = 30
SEED = 20
OPENS = 8
BUSY = (1, 3, 6, 7, 6, 4, 5, 6, 5, 3, 1)
"""How busy each hour of a day is, from the first on"""
WEEKDAY, WEEKEND = (30, 44), (10, 16)
"""Calls of the first tenant; the others have a quarter of it"""
MISSED, LOST = 0.02, 0.015
"""Shares of the calls"""


@dataclass(frozen=True, slots=True)
class Desk:
    """What answers a dialled number."""

    number: str
    trade: str
    account: ProviderAccount
    agent: Agent
    version: InstructionVersion | None

    def body(self) -> Mapping[str, Any]:
        words = self.version.text if self.version else ""
        return session_body.build(self.agent.model, self.agent.voice, words, self.agent.settings)


def write(trades: Trades, *, days: int = DAYS, share: float = 1.0) -> int:
    """Store what is missing of the last `days`; returns how many calls that were. `share`: of the usual number."""
    with asyncio.Runner() as runner:
        connections = database.pool("history", 1)
        runner.run(connections.open())
        try:
            return sum(
                _day(runner, connections, tenant, trades[tenant.slug], ago, share if place == 0 else share / 4)
                for ago in range(1, days + 1)
                for place, tenant in enumerate(_tenants(trades))
            )
        finally:
            runner.run(connections.close())


def _tenants(trades: Trades) -> list[Tenant]:
    found = {tenant.slug: tenant for tenant in Tenant.objects.filter(slug__in=trades)}
    return [found[slug] for slug in trades if slug in found]


def _day(
    runner: asyncio.Runner, connections: Connections, tenant: Tenant, trades: Mapping[str, str], ago: int, share: float
) -> int:
    zone = ZoneInfo(tenant.timezone)
    day = timezone.localdate(timezone=zone) - timedelta(days=ago)
    prefix = f"rtc_sample_{day:%Y%m%d}_"
    with tenant_scope(tenant.id):
        if store.known(prefix):
            return 0
        desks = _desks(trades)
    # Outside of any transaction: playing is what takes the time.
    played = [(desk, past.play(script)) for desk, script in scripts(desks, day, zone, share)]
    owner = uuid.uuid4()
    with tenant_scope(tenant.id):
        batches = [
            batch
            for desk in desks
            for batch in store.open_rows(
                [call for its, call in played if its is desk],
                prefix=prefix + desk.number.removeprefix("+"),
                account=desk.account,
                agent=desk.agent,
                version=desk.version,
                owner=owner,
            )
        ]

    async def fill() -> None:
        async with connections.connection() as connection:
            await store.fill(connection, owner, batches)

    runner.run(fill())
    logger.info("a day of sample calls", extra={"tenant": tenant.slug, "day": day, "calls": len(batches)})
    return len(batches)


def _desks(trades: Mapping[str, str]) -> list[Desk]:
    """By the routes of the tenant in scope, and with the first instructions of its agents: those of then."""
    account = ProviderAccount.objects.order_by("pk").first()
    routes = list(Route.objects.select_related("agent").order_by("number"))
    desks = []
    for number, trade in trades.items():
        winner = route_for(number, [route.number for route in routes])
        if account is not None and winner is not None:
            agent = routes[winner].agent
            version = InstructionVersion.objects.filter(agent=agent).order_by("number").first()
            desks.append(Desk(number, trade, account, agent, version))
    return desks


def scripts(desks: list[Desk], day: date, zone: ZoneInfo, share: float) -> Iterator[tuple[Desk, past.Script]]:
    """The calls of one day, in no order: the same ones whenever it is asked for."""
    if not desks:
        return
    dice = Random(draw(SEED, day.toordinal(), desks[0].number))  # noqa: S311  a sample guards nothing
    bodies = {desk.number: desk.body() for desk in desks}
    usual = dice.randint(*(WEEKEND if day.weekday() >= 5 else WEEKDAY))
    for _ in range(max(1, round(usual * share))):
        desk = dice.choice(desks)
        hour = OPENS + dice.choices(range(len(BUSY)), BUSY)[0]
        seed = dice.getrandbits(48)
        luck = dice.random()
        scenario = scenarios.chosen(scenarios.MIX, dice)
        yield (
            desk,
            past.Script(
                scenario=scenario.name if scenario else scenarios.MIX,
                seed=seed,
                number=desk.number,
                trade=desk.trade,
                body=bodies[desk.number],
                greeting=desk.agent.greeting,
                began=datetime.combine(day, time(hour, dice.randrange(60), dice.randrange(60)), zone),
                fate="missed" if luck < MISSED else "lost" if luck < MISSED + LOST else "",
            ),
        )
