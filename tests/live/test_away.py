"""Feeds while Redis or PostgreSQL is away: they open, live on, and miss nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import threading

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers, get_channel_layer
from channels.testing import application
from django.conf import settings
from django.db import InterfaceError, InternalError, OperationalError, close_old_connections, connections
from redis.exceptions import RedisError

from calls import feed
from calls.live import access, consumers, database, reading
from calls.models import Call, CallEvent
from realtime_ops import services
from tests.live.page import LIMIT_S, everything_closed, hint, page, push, stream_of
from tests.sideband.desk import until, within

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("live")]

SEND_LIMIT_S = 0.5
"""As it is deployed"""


class OwnRedis:
    """A Redis of this test's, which is not there before it is started."""

    def __init__(self, directory):
        self.port = services.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.directory = directory
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            services.redis_command(self.port, self.directory),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        services.wait_for_redis(self.url)

    def signal(self, what):
        os.killpg(self.process.pid, what)

    def stop(self):
        if self.process:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            self.process.wait(LIMIT_S)


@pytest.fixture
def redis(tmp_path, committed_db):
    """What the channel layer of this test talks to."""
    host = settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"][0]
    usual, own = host["address"], OwnRedis(tmp_path)
    host["address"] = own.url
    channel_layers.backends.clear()
    yield own
    host["address"] = usual
    channel_layers.backends.clear()
    own.stop()


@pytest.fixture(params=["dead", "stalled"])
def away(request, redis, monkeypatch):
    """Redis is away, in one of two ways; calling this brings it back."""
    monkeypatch.setattr(feed, "SEND_LIMIT_S", SEND_LIMIT_S)
    if request.param == "dead":
        return redis.start
    redis.start()
    redis.signal(signal.SIGSTOP)
    return lambda: redis.signal(signal.SIGCONT)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(consumers, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(consumers, "HEADS_EVERY", 1)


async def add(tenant, call, count=1):
    """Entries that are stored and not announced."""

    def work():
        first = Call.objects.get(pk=call.pk).last_seq + 1
        for seq in range(first, first + count):
            CallEvent.objects.create(call=call, seq=seq, kind="call", at=call.started_at, body={"n": seq})
        Call.objects.filter(pk=call.pk).update(last_seq=first + count - 1)

    await within(tenant, work)


async def hint_again_and_again(call):
    while True:
        with contextlib.suppress(RedisError, TimeoutError):
            async with asyncio.timeout(0.5):
                await hint(feed.call_group(call.code), stream_of(call), floor="speaking")
        await asyncio.sleep(0.1)


async def test_a_feed_opens_and_lives_without_redis_and_joins_when_it_is_back(acme, sam, call, quick, away):
    async with page(sam) as screen:
        assert (await screen.opened(stream_of(call)))["type"] == "snapshot"
        await add(acme, call)
        assert [entry["seq"] for entry in (await screen.frame())["entries"]] == [1]
        await asyncio.to_thread(away)

        calling = asyncio.create_task(hint_again_and_again(call))
        async with asyncio.timeout(LIMIT_S):
            assert (await screen.frame())["type"] == "hint"
        calling.cancel()
        await everything_closed()


async def test_sockets_that_come_and_go_without_redis_leave_nothing_behind(acme, sam, call, away):
    for _ in range(3):
        async with page(sam) as screen:
            await screen.opened(stream_of(call))
    layer = get_channel_layer()
    assert (layer.channels, layer.groups) == ({}, {})


async def test_redis_is_not_asked_for_a_channel(acme, sam, call, monkeypatch):
    """Of the layer's own names only these are used: an update that renames them is noticed here."""
    async with page(sam) as screen:
        await screen.opened(stream_of(call))
        layer = get_channel_layer()
        [name] = layer.channels
        assert name.startswith(layer.prefix)
        assert not any(name in shard._subscribed_to for shard in layer._shards)


class Outage:
    """PostgreSQL is away for what is read through `calls.live.reading` and `access` while `on`."""

    def __init__(self, monkeypatch):
        self.on = True
        for module, name in ((reading, "entries_after"), (reading, "heads"), (access, "admit")):
            monkeypatch.setattr(module, name, self._before(getattr(module, name)))

    def _before(self, read):
        async def asked(*args):
            if self.on:
                raise self.error
            return await read(*args)

        return asked


@pytest.fixture(params=[OperationalError, InterfaceError, InternalError, TimeoutError])
def outage(request, monkeypatch):
    made = Outage(monkeypatch)
    made.error = request.param("gone")
    return made


async def test_a_door_without_a_database_sends_the_browser_away_to_come_back(acme, sam, outage):
    async with page(sam) as screen:
        told = await screen.socket.receive_output(timeout=LIMIT_S)  # no frame: it would reset the browser's back-off
        assert told == {"type": "websocket.close", "code": access.DATABASE_AWAY}
        await screen.hello("tenant")
        assert await screen.nothing()


async def test_a_hello_that_the_database_missed_is_answered_later(acme, sam, call, quick, outage):
    outage.on = False
    async with page(sam) as screen:
        await screen.beat()
        outage.on = True
        await screen.hello("tenant", stream_of(call))
        await screen.beat()
        outage.on = False
        found = [await screen.frame() for _ in range(2)]
        assert [(told["type"], told["stream"]) for told in found] == [
            ("snapshot", "tenant"),
            ("snapshot", stream_of(call)),
        ]


async def test_a_hole_that_the_database_could_not_fill_is_filled_later(acme, sam, call, quick, outage):
    outage.on = False
    async with page(sam) as screen:
        epoch = (await screen.opened(stream_of(call)))["epoch"]
        outage.on = True
        await add(acme, call, 3)
        await push(feed.call_group(call.code), stream_of(call), epoch, 3)
        await push(feed.call_group(call.code), stream_of(call), epoch, 4)
        await screen.beat()
        outage.on = False
        assert [entry["seq"] for entry in (await screen.frame())["entries"]] == [1, 2, 3]


async def test_who_is_owed_another_tenants_call_hears_none_of_its_hints(acme, rita, call, quick, outage):
    """The group is joined before the call is looked up: only what was found may be told."""
    outage.on = False
    async with page(rita, "globex") as rival:
        await rival.beat()
        outage.on = True
        await rival.hello(stream_of(call))
        await rival.beat()
        await hint(feed.call_group(call.code), stream_of(call), last_words="secret")
        await rival.beat()
        await rival.beat()
        assert rival.beats == []
        outage.on = False
        assert await rival.frame() == {"type": "gone", "stream": stream_of(call)}


class Stall:
    """A read that takes until `over` is set; says how many of them have begun."""

    def __init__(self) -> None:
        self.over, self.begun = threading.Event(), 0
        self.read = database.asks(self.wait)

    def wait(self) -> None:
        self.begun += 1
        assert self.over.wait(LIMIT_S)

    def of(self, count: int) -> list[asyncio.Task[None]]:
        return [asyncio.create_task(self.read()) for _ in range(count)]


async def test_a_stalled_read_holds_up_nobody_elses_hints(acme, sam, call):
    """All threads of the feed, and the one that asgiref has for everybody, wait for PostgreSQL."""
    stall = Stall()
    async with page(sam) as screen:
        await screen.opened(stream_of(call))
        stalled = [*stall.of(database.THREADS), asyncio.create_task(sync_to_async(stall.wait)())]
        await until(lambda: stall.begun == len(stalled))
        await hint(feed.call_group(call.code), stream_of(call), floor="speaking")
        assert (await screen.frame())["type"] == "hint"
        assert not any(task.done() for task in stalled)
        stall.over.set()
        await asyncio.gather(*stalled)


async def test_one_slow_read_does_not_hold_up_the_others(acme, sam, call):
    stall = Stall()
    stalled = stall.of(database.THREADS - 1)
    await until(lambda: stall.begun == len(stalled))
    async with page(sam) as screen:
        assert (await screen.opened("tenant"))["type"] == "snapshot"
        assert not any(task.done() for task in stalled)
    stall.over.set()
    await asyncio.gather(*stalled)


async def test_who_waits_too_long_for_an_answer_gives_up_and_leaves_the_queue(monkeypatch):
    stall, called = Stall(), []
    read = database.asks(lambda: called.append(1))
    busy = stall.of(database.THREADS)
    await until(lambda: stall.begun == len(busy))
    monkeypatch.setattr(database, "ANSWER_LIMIT_S", 0.05)
    with pytest.raises(TimeoutError):
        await read()
    stall.over.set()
    await asyncio.gather(*busy)
    monkeypatch.setattr(database, "ANSWER_LIMIT_S", LIMIT_S)
    await stall.read()
    assert called == []


async def test_twenty_hellos_at_once_take_three_connections_and_give_them_back(acme, sam, call, monkeypatch, settings):
    settings.CALLS = {**settings.CALLS, "sockets_per_user": 20}
    # Channels' communicator switches off what this is about.
    monkeypatch.setattr(application, "no_op", close_old_connections)

    def taken():
        stats = connections["default"].pool.get_stats()
        return stats["pool_size"] - stats["pool_available"]

    async def watch():
        while True:
            most.append(taken())
            await asyncio.sleep(0)

    async def one():
        async with page(sam) as screen:
            await together.wait()
            assert (await screen.opened("tenant"))["type"] == "snapshot"

    async with page(sam):
        before, most = taken(), []  # other threads of the test keep theirs
    together = asyncio.Barrier(20)
    watcher = asyncio.create_task(watch())
    await asyncio.gather(*(one() for _ in range(20)))
    watcher.cancel()
    assert max(most) <= before + database.THREADS + 1  # and one for the handshakes
    await until(lambda: taken() <= before)
