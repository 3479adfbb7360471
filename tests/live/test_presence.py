"""Who else looks at a call: people of the tenant, each once, for as long as their pages are open."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer

from calls import feed
from calls.live import consumers, presence
from calls.live.presence import Presence
from calls.models import Membership
from calls.selectors.members import member_of
from tests import factories
from tests.live.page import page, stream_of
from tests.sideband.desk import within

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("live")]


def names(frame):
    assert frame["type"] == "present", frame
    return [(one["name"], one["you"]) for one in frame["members"]]


async def test_two_who_look_at_a_call_see_one_another_until_one_leaves(acme, sam, adam, call):
    mine, theirs = sam.user.email, adam.user.email
    async with page(sam) as screen:
        await screen.opened(stream_of(call))
        assert await screen.nothing(), "alone"
        async with page(adam) as other:
            await other.opened(stream_of(call))
            assert names(await other.frame()) == sorted([(theirs, True), (mine, False)])
            told = await screen.frame()
            assert (told["stream"], told["more"]) == (stream_of(call), 0)
            assert names(told) == sorted([(theirs, False), (mine, True)])
        assert names(await screen.frame()) == [(mine, True)]


async def test_who_goes_to_another_call_is_here_no_more(acme, sam, adam, call):
    elsewhere = await within(acme, lambda: factories.make_call(acme))
    async with page(sam) as screen, page(adam) as other:
        await screen.opened(stream_of(call))
        await other.opened(stream_of(call))
        assert len(names(await screen.frame())) == 2
        await other.frame()
        await other.opened(stream_of(elsewhere))
        assert len(names(await screen.frame())) == 1


async def test_a_person_with_two_pages_is_one(acme, sam, call):
    async with page(sam) as screen, page(sam) as second:
        await screen.opened(stream_of(call))
        await second.opened(stream_of(call))
        assert await screen.nothing()
        assert await second.nothing()


async def test_a_rival_is_never_in_the_list_and_never_told(acme, sam, rita, call):
    async with page(sam) as screen, page(rita, "globex") as rival:
        await screen.opened(stream_of(call))
        await rival.hello(stream_of(call))
        assert (await rival.frame())["type"] == "gone"
        assert await rival.nothing()
        assert await screen.nothing()


async def test_who_was_removed_is_gone_from_the_list(acme, sam, adam, call):
    async with page(sam) as screen, page(adam) as other:
        await screen.opened(stream_of(call))
        await other.opened(stream_of(call))
        assert len(names(await screen.frame())) == 2
        await other.frame()
        await within(acme, lambda: Membership.objects.filter(user=adam.user).delete())
        await sync_to_async(feed.access_changed)(adam.user.pk)
        assert await other.refusal() == 4403
        assert len(names(await screen.frame())) == 1


async def test_a_crowd_that_comes_makes_a_page_look_only_now_and_then(acme, sam, adam, call, monkeypatch):
    looks = []
    real = Presence.renew

    async def counted(self, codes):
        looks.append(self)
        return await real(self, codes)

    async with page(sam) as screen:
        await screen.opened(stream_of(call))
        await asyncio.sleep(consumers.LOOK_EVERY_S)
        monkeypatch.setattr(Presence, "renew", counted)
        begun = time.monotonic()
        for _ in range(30):
            await get_channel_layer().group_send(
                feed.call_group(call.code), {"type": "feed.presence", "stream": stream_of(call)}
            )
        async with page(adam) as other:
            await other.opened(stream_of(call))
            assert len(names(await screen.frame())) == 2, "told of the last who came, too"
            mine = [look for look in looks if look._user == sam.user.pk]
            # The first at once, the last one not over yet.
            assert len(mine) <= 2 + (time.monotonic() - begun) / consumers.LOOK_EVERY_S


async def test_a_page_that_vanished_is_forgotten(acme, sam, adam, call, monkeypatch):
    members = [await sync_to_async(member_of)(one.user.pk, "acme") for one in (sam, adam)]
    here, vanished = Presence(members[0], "one"), Presence(members[1], "two")
    clock = [1_000.0]
    monkeypatch.setattr(presence.time, "time", lambda: clock[0])
    await vanished.renew([call.code])
    news, moved = await here.renew([call.code])
    assert moved == {call.code}
    assert len(news[call.code][0]) == 2
    clock[0] += presence.STAYS_S + 1
    news, moved = await here.renew([call.code])
    assert moved == set()
    assert [one["name"] for one in news[call.code][0]] == [sam.user.email]
    assert await here.renew([call.code]) == ({}, set()), "nothing new"


async def test_of_many_some_are_named_and_the_rest_counted(acme, sam, adam, call, monkeypatch):
    monkeypatch.setattr(presence, "SHOWN", 1)
    async with page(sam) as screen, page(adam) as other:
        await screen.opened(stream_of(call))
        await other.opened(stream_of(call))
        told = await screen.frame()
        assert (len(told["members"]), told["more"]) == (1, 1)


async def test_without_redis_nobody_is_shown_and_the_feed_goes_on(acme, sam, call, monkeypatch, settings, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    async with page(sam) as screen:
        with caplog.at_level(logging.WARNING, logger="calls.live.presence"):
            told = await screen.opened(stream_of(call))
            await screen.hello({"stream": stream_of(call), "epoch": told["epoch"], "seq": told["seq"]})
            assert await screen.nothing()
    assert [record.message for record in caplog.records][:1] == ["nobody's presence is known"]
