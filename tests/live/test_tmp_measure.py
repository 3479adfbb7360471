import asyncio, time, statistics
from datetime import timedelta
import pytest
from tests import factories
from tests.factories import NOON
from tests.live.page import page

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("live")]


@pytest.fixture
def many(committed_db, acme):
    account = factories.make_account(acme)
    return [factories.make_call(acme, account=account, started_at=NOON + timedelta(seconds=n)) for n in range(200)]


async def test_measure(acme, sam, many):
    async def one():
        async with page(sam) as screen:
            await barrier.wait()
            t = time.perf_counter()
            await screen.opened("tenant")
            took.append(time.perf_counter() - t)
            await done.wait()

    for n in (1, 20, 20, 20):
        took, barrier, done = [], asyncio.Barrier(n), asyncio.Event()
        tasks = [asyncio.create_task(one()) for _ in range(n)]
        begun = time.perf_counter()
        while len(took) < n:
            await asyncio.sleep(0.002)
        print(f"\n{n}: median {statistics.median(took) * 1e3:.0f} ms, slowest {max(took) * 1e3:.0f} ms")
        done.set()
        await asyncio.gather(*tasks)
