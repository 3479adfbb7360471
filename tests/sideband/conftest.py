"""A writer and what it stands on."""

from __future__ import annotations

from uuid import uuid4

import pytest
import pytest_asyncio

from calls.sideband import backlog, writer
from calls.sideband.spool import Spool
from calls.sideband.writer import Writer
from tests.sideband.writing import Away, Store, Told


@pytest.fixture
def stored(monkeypatch):
    monkeypatch.setattr(writer, "RETRY_S", (0.01,))
    return Store(monkeypatch)


@pytest.fixture
def fenced():
    return []


@pytest.fixture
def told():
    return Told()


@pytest_asyncio.fixture
async def make(tmp_path, told, fenced):
    """A writer with this pool, and a spool of so many bytes."""
    made = []

    def writer_of(pool, *, owner=None, limit=2**20):
        owner = owner or uuid4()
        made.append(Writer(pool, owner, 0.005, told, fenced.append, Spool(tmp_path / "spool", owner, limit)))
        return made[-1]

    yield writer_of
    for one in made:
        await one.close()


@pytest.fixture
def pen(stored, make):
    return make(Away())


@pytest.fixture
def small(monkeypatch):
    """The process keeps ten changes in memory, a call five."""
    monkeypatch.setattr(backlog, "CHANGES", 10)
    monkeypatch.setattr(backlog, "CALL_CHANGES", 5)
