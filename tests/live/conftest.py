from __future__ import annotations

import pytest
import pytest_asyncio
from django.db import connections

from calls import feed
from calls.live import consumers, database, presence
from tests import factories
from tests.live.page import LIMIT_S, everything_closed


@pytest.fixture(autouse=True)
def calm(monkeypatch):
    """No heartbeats but where a test asks for them, and nobody tires of waiting before a busy machine has come round."""
    monkeypatch.setattr(consumers, "HEARTBEAT_S", 3600.0)
    monkeypatch.setattr(presence, "STAYS_S", 3600.0)
    monkeypatch.setattr(feed, "SEND_LIMIT_S", LIMIT_S)
    monkeypatch.setattr(database, "ANSWER_LIMIT_S", LIMIT_S)


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
