"""Who looks on, as Redis knows it: asked, told of, lost and found again."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from channels.layers import get_channel_layer
from django.conf import settings
from redis.asyncio import Redis

from calls import feed
from calls.sideband import audience
from calls.sideband.audience import Audience
from tests.sideband.desk import until

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("redis_url")]
CALL, OTHER, LIST = feed.call_group(UUID(int=1)), feed.call_group(UUID(int=2)), feed.tenant_group(UUID(int=3))


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Redis is never away here, however busy the machine is."""
    monkeypatch.setattr(feed, "SEND_LIMIT_S", 30.0)


@asynccontextmanager
async def watching():
    heard = []
    one = Audience(lambda groups: heard.append(set(groups)))
    work = asyncio.create_task(one.run())
    try:
        yield one, heard
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await get_channel_layer().flush()


async def follow(*groups):
    layer = get_channel_layer()
    name = await layer.new_channel()
    for group in groups:
        await layer.group_add(group, name)
    return name


async def test_before_redis_answers_everybody_may_look_on():
    assert Audience(lambda groups: None).follows(CALL)


async def test_redis_knows_who_subscribed(monkeypatch):
    monkeypatch.setattr(audience, "POLL_S", 0.05)
    async with watching() as (one, heard):
        name = await follow(CALL, LIST, feed.user_group(1))
        await until(lambda: not one.follows(OTHER))
        await until(lambda: one.follows(CALL))
        assert one.follows(LIST)
        assert not one.follows(OTHER)
        assert not one.follows(feed.user_group(1)), "no stream"
        assert set().union(*heard) == {CALL, LIST}
        await get_channel_layer().group_discard(CALL, name)
        await until(lambda: not one.follows(CALL))
        assert one.follows(LIST)


async def test_a_word_counts_at_once_and_each_time(monkeypatch):
    monkeypatch.setattr(audience, "POLL_S", 3600.0)
    async with watching() as (one, heard):
        await until(lambda: not one.follows(CALL))
        for _ in range(2):
            await get_channel_layer().group_send(feed.FOLLOWED, {"type": "followed", "groups": [CALL]})
        await until(lambda: heard == [{CALL}, {CALL}])
        assert one.follows(CALL)


async def test_nothing_is_forgotten_when_redis_is_emptied(monkeypatch):
    monkeypatch.setattr(audience, "POLL_S", 0.05)
    async with watching() as (one, heard):
        await follow(CALL)
        await until(lambda: heard == [{CALL}])
        async with Redis.from_url(settings.REDIS_URL) as client:
            await client.flushdb()
        await asyncio.sleep(0.2)
        assert one.follows(CALL)
        assert heard == [{CALL}]


async def test_when_redis_comes_back_all_count_as_newcomers(monkeypatch, caplog):
    monkeypatch.setattr(audience, "POLL_S", 0.05)
    async with watching() as (one, heard):
        await follow(CALL)
        await until(lambda: heard == [{CALL}])
        ask, away = Audience._ask, [True, True]

        async def fail(self, client):
            if away:
                away.pop()
                raise ConnectionError("Redis is away")
            await ask(self, client)

        monkeypatch.setattr(Audience, "_ask", fail)
        await until(lambda: one.follows(OTHER))
        await until(lambda: not one.follows(OTHER))
        assert heard == [{CALL}, {CALL}]
    assert caplog.text.count("nobody knows who looks on") == 1
