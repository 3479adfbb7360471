"""Announcements: bounded, in order within a group, and never in anybody's way."""

from __future__ import annotations

import asyncio

import pytest

from calls.sideband import announcer
from calls.sideband.announcer import Announcer
from tests.sideband.desk import until

pytestmark = pytest.mark.asyncio


class Layer:
    def __init__(self):
        self.sent = []
        self.failing = False
        self.hanging = False

    async def group_send(self, group, message):
        if self.hanging:
            await asyncio.Event().wait()
        if self.failing:
            raise ConnectionError("Redis is away")
        self.sent.append((group, message["n"]))


@pytest.fixture
def layer(monkeypatch):
    layer = Layer()
    monkeypatch.setattr(announcer, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(announcer, "SEND_LIMIT_S", 0.02)
    return layer


async def test_everything_is_sent_in_its_order(layer):
    one = Announcer()
    work = asyncio.create_task(one.run())
    for number in range(100):
        one.put(f"g{number % 3}", {"n": number})
    await until(lambda: len(layer.sent) == 100)
    work.cancel()
    for group in ("g0", "g1", "g2"):
        numbers = [number for name, number in layer.sent if name == group]
        assert numbers == sorted(numbers)
    assert one.dropped == 0


@pytest.mark.parametrize("fault", ["failing", "hanging"])
async def test_a_redis_that_is_away_costs_announcements_and_nothing_else(layer, fault, caplog):
    one = Announcer()
    work = asyncio.create_task(one.run())
    setattr(layer, fault, True)
    for number in range(5):
        one.put("g", {"n": number})
    await until(lambda: one.dropped == 5)
    setattr(layer, fault, False)
    one.put("g", {"n": 9})
    await until(lambda: layer.sent == [("g", 9)])
    work.cancel()
    assert caplog.text.count("announcements are lost") == 1


async def test_the_oldest_goes_when_too_many_wait(layer, monkeypatch):
    monkeypatch.setattr(announcer, "QUEUE_LIMIT", 3)
    one = Announcer()
    for number in range(5):
        one.put("g", {"n": number})
    assert one.dropped == 2
    work = asyncio.create_task(one.run())
    await until(lambda: len(layer.sent) == 3)
    work.cancel()
    assert [number for _, number in layer.sent] == [2, 3, 4]
