"""The fence: what a process may still do that has not heard from PostgreSQL for a while."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from calls.actions import leases
from calls.sideband import fence
from calls.sideband.fence import Fence
from tests.sideband.desk import until

pytestmark = pytest.mark.asyncio


class Clock:
    """Stands still until a test puts it forward."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return 1_000.0 + self.ahead


class Shell:
    """What the fence asks, and what it has dropped."""

    def __init__(self, one):
        self.fence = one
        self.answers = False
        self.refuses = False
        self.asked = 0
        self.calls = 3

    async def ask(self):
        self.asked += 1
        if self.answers:
            self.fence.renewed(fence.now())
        return self.answers

    async def probe(self):
        if self.refuses == "hangs":
            await asyncio.sleep(60)
        return bool(self.refuses)

    def let_go(self):
        dropped, self.calls = self.calls, 0
        return dropped


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(fence, "now", clock)
    monkeypatch.setattr(fence, "WATCH_S", 0.01)
    monkeypatch.setattr(fence, "PROBE_S", 0.05)
    return clock


@asynccontextmanager
async def watching():
    one = Fence()
    shell = Shell(one)
    task = asyncio.create_task(one.watch(shell.ask, shell.probe, shell.let_go))
    await asyncio.sleep(0.03)
    try:
        yield one, shell
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_runs_on_while_the_machine_sleeps():
    assert abs(fence.now() - time.clock_gettime(time.CLOCK_BOOTTIME)) < 1


async def test_silence_drops_the_calls_before_anybody_else_may_have_them(clock, monkeypatch, caplog):
    monkeypatch.setattr(fence, "PAUSE_S", 1e9)  # the clock's leap is the silence here, not a standstill
    async with watching() as (one, shell):
        clock.ahead += leases.FENCE_S - 1
        await asyncio.sleep(0.05)
        assert (shell.calls, one.may_send(), one.holds()) == (3, True, True)
        clock.ahead += 1
        await until(lambda: shell.calls == 0)
        assert (one.may_send(), one.holds(), shell.asked) == (False, False, 0)
    assert caplog.text.count("PostgreSQL is silent") == 1


async def test_a_server_that_refuses_everybody_costs_the_right_to_send_and_no_call(clock, monkeypatch):
    monkeypatch.setattr(fence, "PAUSE_S", 1e9)
    async with watching() as (one, shell):
        shell.refuses = True
        for _ in range(10):
            clock.ahead += leases.FENCE_S - 1
            await asyncio.sleep(0.05)
        assert (shell.calls, one.may_send(), one.holds()) == (3, False, True)
        shell.refuses = False  # it is there again, and says nothing to us
        clock.ahead += leases.FENCE_S
        await until(lambda: shell.calls == 0)


async def test_a_probe_without_an_answer_does_not_keep_the_calls(clock, monkeypatch):
    monkeypatch.setattr(fence, "PAUSE_S", 1e9)
    async with watching() as (_, shell):
        shell.refuses = "hangs"
        clock.ahead += leases.FENCE_S
        await until(lambda: shell.calls == 0)


async def test_who_wakes_asks_first_and_keeps_what_is_still_its_own(clock, caplog):
    async with watching() as (one, shell):
        shell.answers = True
        clock.ahead += 8
        assert not one.holds()  # nothing leaves it before the answer
        await until(one.holds)
        assert (shell.calls, shell.asked, one.may_send()) == (3, 1, True)
    assert "the loop stood still" in caplog.text


async def test_who_wakes_and_gets_no_answer_lets_go(clock):
    async with watching() as (_, shell):
        clock.ahead += 40
        await until(lambda: shell.calls == 0)
        assert shell.asked == 1


async def test_a_short_pause_asks_nothing(clock, monkeypatch):
    async with watching() as (one, shell):
        clock.ahead += 3
        await asyncio.sleep(0.05)
        assert (shell.asked, shell.calls, one.may_send()) == (0, 3, True)


async def test_a_loop_that_lags_says_so_once_in_a_while(clock, caplog):
    one = Fence()
    for late in (0.2, 0.3, 0.4):
        one._note(late)
    assert caplog.text.count("the loop lags") == 1
    assert one.take_lag() == 0.4
    clock.ahead += fence.ALARM_EVERY_S
    one._note(0.3)
    assert caplog.text.count("the loop lags") == 2
