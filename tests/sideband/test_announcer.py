"""Announcements: bounded, in order within a group, and never in anybody's way."""

from __future__ import annotations

import asyncio

import pytest
from channels.layers import get_channel_layer

from calls.sideband import announcer
from calls.sideband.announcer import Announcer
from tests.sideband.desk import until

pytestmark = pytest.mark.asyncio


class Redis:
    """In place of the exchange with Redis."""

    def __init__(self):
        self.sent = []
        self.exchanges = 0
        self.failing = False
        self.hanging = False

    async def send(self, client, messages):
        if self.hanging:
            await asyncio.Event().wait()
        if self.failing:
            raise ConnectionError("Redis is away")
        self.exchanges += 1
        self.sent += [(group, message["n"]) for group, message in messages]


@pytest.fixture
def redis(monkeypatch):
    redis = Redis()
    monkeypatch.setattr(announcer, "SEND_LIMIT_S", 0.02)
    monkeypatch.setattr(Announcer, "_send", lambda self, client, messages: redis.send(client, messages))
    return redis


def everybody(group):
    return True


async def test_everything_is_sent_in_its_order(redis):
    one = Announcer(everybody)
    work = asyncio.create_task(one.run())
    for number in range(100):
        one.put(f"g{number % 3}", {"n": number})
    await until(lambda: len(redis.sent) == 100)
    work.cancel()
    for group in ("g0", "g1", "g2"):
        numbers = [number for name, number in redis.sent if name == group]
        assert numbers == sorted(numbers)
    assert one.dropped == 0
    assert redis.exchanges < 100


@pytest.mark.parametrize("fault", ["failing", "hanging"])
async def test_a_redis_that_is_away_costs_announcements_and_nothing_else(redis, fault, caplog):
    one = Announcer(everybody)
    work = asyncio.create_task(one.run())
    setattr(redis, fault, True)
    for number in range(5):
        one.put("g", {"n": number})
    await until(lambda: one.dropped == 5)
    setattr(redis, fault, False)
    one.put("g", {"n": 9})
    await until(lambda: redis.sent == [("g", 9)])
    work.cancel()
    assert caplog.text.count("announcements are lost") == 1


async def test_the_oldest_goes_when_too_many_wait(redis, monkeypatch):
    monkeypatch.setattr(announcer, "QUEUE_LIMIT", 3)
    one = Announcer(everybody)
    for number in range(5):
        one.put("g", {"n": number})
    assert one.dropped == 2
    work = asyncio.create_task(one.run())
    await until(lambda: len(redis.sent) == 3)
    work.cancel()
    assert [number for _, number in redis.sent] == [2, 3, 4]


async def test_it_arrives_as_the_channel_layer_sends_it(redis_url):
    layer = get_channel_layer()
    name = await layer.new_channel()
    await layer.group_add("c.1", name)
    one = Announcer(everybody)
    work = asyncio.create_task(one.run())
    for number in range(announcer.AT_ONCE + 1):
        one.put("c.1", {"type": "feed.hints", "n": number})
    async with asyncio.timeout(30):
        heard = [await layer.receive(name) for _ in range(announcer.AT_ONCE + 1)]
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await layer.flush()
    assert heard == [{"type": "feed.hints", "n": number} for number in range(announcer.AT_ONCE + 1)]
