"""What is to be sent waits in order, for one who takes it, whenever that is."""

from __future__ import annotations

import asyncio

import pytest

from calls.domain.outgoing import SendEvent
from calls.sideband.outbox import Outbox

pytestmark = pytest.mark.asyncio
ONE, TWO, THREE = (SendEvent({"type": name}) for name in ("one", "two", "three"))


async def test_orders_are_taken_in_their_order_before_and_after_somebody_waits():
    box = Outbox()
    box.put(ONE)
    assert await box.take() is ONE
    taking = asyncio.create_task(box.take())
    await asyncio.sleep(0)
    box.put(TWO)
    box.put(THREE)
    assert await taking is TWO
    assert await box.take() is THREE


async def test_who_gives_up_waiting_takes_nothing_with_them():
    box = Outbox()
    taking = asyncio.create_task(box.take())
    await asyncio.sleep(0)
    box.put(ONE)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert await asyncio.wait_for(box.take(), 30) is ONE
