"""A socket's groups: joined once, tried again while Redis is away, and never a reason to fail."""

from __future__ import annotations

import asyncio
import logging

import pytest

from calls import feed
from calls.live.groups import Groups

pytestmark = pytest.mark.asyncio


class Layer:
    """Notes what it is asked; refuses while `away`."""

    def __init__(self) -> None:
        self.away = False
        self.asked: list[tuple[str, str]] = []

    async def group_add(self, group, channel):
        self._ask("add", group)

    async def group_discard(self, group, channel):
        self._ask("discard", group)

    def _ask(self, what, group):
        self.asked.append((what, group))
        if self.away:
            raise ConnectionError("no Redis here")


async def test_a_group_is_joined_once_and_left_once():
    layer = Layer()
    groups = Groups(layer, "me")
    assert await groups.join({"a", "b"}) == {"a", "b"}
    assert await groups.join({"a"}) == set()
    await groups.leave_all_but({"a"})
    await groups.leave_all_but(())
    assert sorted(layer.asked) == [("add", "a"), ("add", "b"), ("discard", "a"), ("discard", "b")]


async def test_what_could_not_be_joined_is_tried_again_and_left_at_the_end(caplog):
    layer = Layer()
    layer.away = True
    groups = Groups(layer, "me")
    with caplog.at_level(logging.WARNING):
        assert await groups.join({"a"}) == set()
        assert await groups.join({"a"}) == set()
    assert [record.message for record in caplog.records] == ["a feed is without Redis"], "said once"
    layer.away = False
    assert await groups.join({"a"}) == {"a"}
    await groups.leave_all_but(())
    assert layer.asked == [("add", "a")] * 3 + [("discard", "a")]


async def test_a_redis_that_hangs_holds_nobody_up(monkeypatch):
    class Hanging(Layer):
        async def group_add(self, group, channel):
            await asyncio.Event().wait()

    monkeypatch.setattr(feed, "SEND_LIMIT_S", 0.01)
    await Groups(Hanging(), "me").join({"a"})
