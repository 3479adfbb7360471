"""Reads that are asked for together: one answer for all who came before it began, and for nobody who came later."""

from __future__ import annotations

import asyncio
import threading

import pytest

from calls.live import database, reading
from calls.live.protocol import Wanted
from calls.selectors.members import member_of
from tests.live.page import LIMIT_S
from tests.sideband.desk import within

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("live")]


async def everybody_has_asked():
    """Every task has come as far as it comes by itself: until it waits for a thread."""
    for _ in range(20):
        await asyncio.sleep(0)


class Desk:
    """A read that can be held up, behind others that hold all the feed's threads."""

    def __init__(self):
        self.free, self.begun, self.go = threading.Event(), threading.Event(), threading.Event()
        self.reads = []
        self.ask = database.asks_together(lambda name: name)(self.read)

    def read(self, name):
        self.reads.append(name)
        self.begun.set()
        assert self.go.wait(LIMIT_S)
        if name == "broken":
            raise LookupError(name)
        return [name]

    async def crowd(self):
        inside = threading.Semaphore(0)

        def wait():
            inside.release()
            assert self.free.wait(LIMIT_S)

        tasks = [asyncio.create_task(database.asks(wait)()) for _ in range(database.THREADS)]
        for _ in tasks:
            await asyncio.to_thread(inside.acquire)
        return tasks

    async def has_begun(self):
        await asyncio.to_thread(self.begun.wait, LIMIT_S)


@pytest.fixture
def desk():
    return Desk()


async def test_those_who_come_before_it_begins_share_the_answer(desk):
    busy = await desk.crowd()
    asked = [asyncio.create_task(desk.ask(name)) for name in ("a", "a", "b", "a")]
    await everybody_has_asked()
    desk.free.set()
    desk.go.set()
    answers = await asyncio.gather(*asked)
    assert answers == [["a"], ["a"], ["b"], ["a"]]
    assert answers[0] is answers[1] is answers[3]
    assert sorted(desk.reads) == ["a", "b"]
    await asyncio.gather(*busy)


async def test_one_that_has_begun_is_nobody_elses(desk):
    first = asyncio.create_task(desk.ask("a"))
    await desk.has_begun()
    second = asyncio.create_task(desk.ask("a"))
    await everybody_has_asked()
    desk.go.set()
    assert await first is not await second
    assert desk.reads == ["a", "a"]


async def test_a_failure_is_everybodys_and_is_not_kept(desk):
    busy = await desk.crowd()
    asked = [asyncio.create_task(desk.ask("broken")) for _ in range(3)]
    await everybody_has_asked()
    desk.free.set()
    desk.go.set()
    assert {type(answer) for answer in await asyncio.gather(*asked, return_exceptions=True)} == {LookupError}
    with pytest.raises(LookupError):
        await desk.ask("broken")
    assert len(desk.reads) == 2
    await asyncio.gather(*busy)


async def test_one_who_gives_up_takes_it_from_nobody_and_the_last_one_from_the_queue(desk, monkeypatch):
    busy = await desk.crowd()
    impatient, patient, alone = (asyncio.create_task(desk.ask(name)) for name in ("a", "a", "b"))
    await everybody_has_asked()
    for one in (impatient, alone):
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
    desk.free.set()
    desk.go.set()
    assert await patient == ["a"]
    await asyncio.gather(*busy)
    assert await desk.ask("c") == ["c"]
    assert desk.reads == ["a", "c"]


async def test_snapshots_for_other_eyes_are_other_reads(acme, adam, sam, call):
    """Asked for at the same moment, behind a crowd: the one masked, the other not."""
    members = [await within(acme, lambda who=who: member_of(who.user.pk, "acme")) for who in (adam, sam, sam)]
    desk = Desk()
    busy = await desk.crowd()
    asked = [asyncio.create_task(reading.snapshot(member, Wanted("tenant"))) for member in members]
    await everybody_has_asked()
    desk.free.set()
    whole, masked, again = await asyncio.gather(*asked)
    assert "4930901820" in whole.frame
    assert "4930901820" not in masked.frame
    assert masked is again
    await asyncio.gather(*busy)
