"""How many dial at once: so many of a process, a share of one tenant, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calls.sideband.doors import DIALS, REDIALS, SHARE, Door, Doors

LIMIT = 4


class Crowd:
    """People of tenants who pass a door and stay inside until they are let go."""

    def __init__(self, door):
        self.door = door
        self.inside = Counter()
        self.passed = 0
        self._stay = {}
        self._tasks = []

    async def come(self, tenant, times=1):
        """Returns their tasks, once who could go in is in."""
        tasks = [asyncio.create_task(self._pass(tenant)) for _ in range(times)]
        self._tasks += tasks
        await self.settle()
        return tasks

    async def settle(self):
        for _ in range(3):
            await asyncio.sleep(0)

    async def _pass(self, tenant):
        async with self.door.passed(tenant):
            self.inside[tenant] += 1
            self.passed += 1
            try:
                await self._stay.setdefault(tenant, asyncio.Event()).wait()
            finally:
                self.inside[tenant] -= 1

    async def some_leave(self, tenant):
        """Whoever of them is inside."""
        stay, self._stay[tenant] = self._stay[tenant], asyncio.Event()
        stay.set()
        await self.settle()

    async def all_leave(self):
        while any(not task.done() for task in self._tasks):
            for tenant in list(self._stay):
                await self.some_leave(tenant)
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.mark.asyncio
async def test_so_many_at_once_and_all_in_the_end():
    crowd = Crowd(Door(LIMIT))
    for tenant in range(10):
        await crowd.come(tenant)
    assert crowd.inside.total() == LIMIT
    await crowd.all_leave()
    assert crowd.passed == 10


@pytest.mark.asyncio
async def test_one_tenant_has_its_share_and_another_passes_at_once():
    crowd = Crowd(Door(LIMIT))
    await crowd.come("hangs", 100)
    assert crowd.inside == {"hangs": SHARE * LIMIT}
    await crowd.come("well")
    assert crowd.inside["well"] == 1


@pytest.mark.asyncio
async def test_who_has_fewest_inside_is_next_however_long_others_queue():
    crowd = Crowd(Door(LIMIT))
    await crowd.come("first", 100)
    await crowd.come("second", 100)
    await crowd.come("third")
    assert crowd.inside == {"first": 3, "second": 1}
    await crowd.some_leave("second")  # the one place changes hands between those who have none
    await crowd.some_leave("second")
    assert crowd.inside == {"first": 3, "third": 1, "second": 0}


@pytest.mark.asyncio
async def test_a_door_for_one_lets_one_through():
    crowd = Crowd(Door(1))
    await crowd.come("only", 3)
    assert crowd.inside == {"only": 1}
    await crowd.all_leave()
    assert crowd.passed == 3


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["come", "leave", "give up"]), st.integers(0, 4), st.integers(0, 9))))
def test_whatever_comes_and_goes_the_bounds_hold_and_nothing_is_left_behind(story):
    async def scene():
        door = Door(LIMIT)
        crowd = Crowd(door)
        tasks = []
        for what, tenant, which in story:
            if what == "come":
                tasks += await crowd.come(tenant, 3)
            elif what == "leave" and crowd.inside[tenant]:
                await crowd.some_leave(tenant)
            elif tasks:
                tasks[which % len(tasks)].cancel()
                await crowd.settle()
            waiting = sum(not task.done() for task in tasks) - crowd.inside.total()
            assert crowd.inside.total() <= LIMIT
            assert max(crowd.inside.values(), default=0) <= SHARE * LIMIT
            assert crowd.inside.total() == LIMIT or not waiting or SHARE * LIMIT in crowd.inside.values()
        await crowd.all_leave()
        assert (door._inside, door._waiting) == ({}, {})

    asyncio.run(scene())


@pytest.mark.asyncio
async def test_who_is_let_in_and_called_off_at_once_leaves_the_place():
    door = Door(1)
    crowd = Crowd(door)
    await crowd.come("one")
    [second] = await crowd.come("two")
    crowd._stay["one"].set()
    await asyncio.sleep(0)
    assert door._inside == {"two": 1}
    assert not crowd.inside["two"]
    second.cancel()
    with suppress(asyncio.CancelledError):
        await second
    assert door._inside == {}
    await crowd.come("three")
    assert crowd.inside["three"] == 1


@pytest.mark.asyncio
async def test_redials_leave_room_for_fresh_calls_and_are_counted():
    doors = Doors()
    for again, limit in ((True, REDIALS), (False, DIALS)):
        herd = [asyncio.create_task(stay(doors, tenant, again=again)) for tenant in range(DIALS + 5)]
        await asyncio.sleep(0.01)
        assert doors.waiting == DIALS + 5 - (limit if again else DIALS)
        for task in herd:
            task.cancel()
        await asyncio.gather(*herd, return_exceptions=True)
    assert doors.redials == DIALS + 5
    assert doors.waiting == 0


async def stay(doors, tenant, *, again):
    async with doors.passed(tenant, again=again):
        await asyncio.Event().wait()
