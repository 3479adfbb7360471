"""A bell that many ring."""

from __future__ import annotations

import asyncio

import pytest

from calls.sideband.bell import Bell

pytestmark = pytest.mark.asyncio


async def test_however_often_it_rings_the_work_is_done_once_more():
    begun, go_on, tasks = [], asyncio.Event(), []

    async def work():
        begun.append(1)
        await go_on.wait()

    bell = Bell(lambda answer: tasks.append(asyncio.create_task(answer)), work)
    bell.ring()
    await asyncio.sleep(0)
    for _ in range(50):
        bell.ring()
    assert len(begun) == len(tasks) == 1
    go_on.set()
    await tasks[0]
    assert len(begun) == 2


async def test_it_is_answered_again_after_its_work_failed():
    tasks = []

    async def work():
        raise OSError("away")

    bell = Bell(lambda answer: tasks.append(asyncio.create_task(answer)), work)
    for _ in range(2):
        bell.ring()
        with pytest.raises(OSError, match="away"):
            await tasks[-1]
    assert len(tasks) == 2
