"""A call that is given back: stored first, then free, and for a while its peers'."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from calls.actions import leases
from calls.actions.leases import Lease
from calls.sideband import peers
from calls.sideband.peers import Peers

pytestmark = pytest.mark.asyncio
LEASE, OWNER = Lease(7, 3), uuid4()


class Worker:
    """What belongs to it, as one who notes what happens in which order."""

    def __init__(self):
        self.done = []

    @asynccontextmanager
    async def connection(self):
        yield "a connection"

    async def flush(self):
        self.done.append("stored")
        return True

    async def give_back(self, connection, owner, lease):
        self.done.append((connection, owner, lease))


@pytest.fixture
def worker(monkeypatch):
    worker = Worker()
    monkeypatch.setattr(leases, "give_back", worker.give_back)
    return worker


async def test_what_waits_is_stored_before_the_call_is_free(worker):
    left = Peers(worker, OWNER, worker)
    await left.leave(LEASE)
    assert worker.done == ["stored", ("a connection", OWNER, LEASE)]


async def test_it_is_the_peers_for_a_while_and_from_before_it_is_free(worker, monkeypatch):
    left = Peers(worker, OWNER, worker)
    seen = []
    monkeypatch.setattr(worker, "flush", lambda: seen.append(left.calls()) or Worker().flush())
    assert left.calls() == set()
    await left.leave(LEASE)
    assert seen == [{7}]
    assert left.calls() == {7}
    monkeypatch.setattr(peers, "FIRST_S", 0.0)
    await Peers(worker, OWNER, worker).leave(LEASE)
    await left.leave(Lease(8, 1))
    assert left.calls() == {7}, "the time of each runs by itself"


async def test_their_time_begins_when_it_is_free_however_long_the_storing_took(worker, monkeypatch):
    monkeypatch.setattr(peers, "FIRST_S", 0.2)
    left = Peers(worker, OWNER, worker)
    theirs = []

    async def flush():
        await asyncio.sleep(0.3)

    async def give_back(*_):
        theirs.append(left.calls())

    monkeypatch.setattr(worker, "flush", flush)
    monkeypatch.setattr(leases, "give_back", give_back)
    await left.leave(LEASE)
    assert theirs == [{7}]


async def test_a_call_that_rings_is_not_left_to_them_for_long(worker, monkeypatch):
    monkeypatch.setattr(peers, "RINGING_FIRST_S", 0.0)
    left = Peers(worker, OWNER, worker)
    await left.leave(Lease(8, 1), ringing=True)
    assert left.calls() == set()
