from __future__ import annotations

import pytest
import pytest_asyncio
from django.db import connections

from calls.live import consumers
from tests import factories
from tests.live.page import everything_closed


@pytest.fixture(autouse=True)
def calm(monkeypatch):
    """No heartbeats but where a test asks for them."""
    monkeypatch.setattr(consumers, "HEARTBEAT_S", 3600.0)


@pytest_asyncio.fixture
async def live(committed_db):
    """Real commits, a channel layer that is closed with the test's loop, and a pool of connections that no thread of an
    earlier test still holds one of."""
    for alias in connections:
        connections[alias].close_pool()
    yield
    await everything_closed()


@pytest.fixture
def call(committed_db, acme):
    return factories.make_call(acme, from_number="+4930901820")
