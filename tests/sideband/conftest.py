"""What tests of a worker stand on: a provider, a writer, a call that is attended, a database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
import pytest_asyncio

from calls.actions import leases
from calls.sideband import attendance, backlog, backoff, supervisor, writer
from calls.sideband.spool import Spool
from calls.sideband.writer import Writer
from tests.live.page import everything_closed
from tests.sideband.attending import Scene, Shell, briefed
from tests.sideband.desk import connected
from tests.sideband.provider import provider
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


@pytest_asyncio.fixture
async def provided():
    async with provider() as served:
        yield served


@pytest.fixture
def short_pauses(monkeypatch, settings):
    """The same pauses, a hundred times shorter."""
    monkeypatch.setattr(backoff, "REDIAL_S", (0.0, 0.005, 0.01))
    monkeypatch.setattr(backoff, "SETUP_S", (0.001, 0.005))
    monkeypatch.setattr(backoff, "REDIAL_BUDGET_S", 0.4)
    monkeypatch.setattr(backoff, "SETUP_BUDGET_S", 0.3)
    monkeypatch.setattr(attendance, "YOUNG_PAUSE_S", 0.01)


@pytest_asyncio.fixture
async def attend(provided):
    scenes = []

    def begin_scene(*, first_owner=True, epoch=2, sending=True, **fields):
        brief = replace(briefed(provided.url), **fields)
        scenes.append(Scene(provided, Shell(sending=sending), brief, first_owner=first_owner, epoch=epoch))
        return scenes[-1]

    yield begin_scene
    for scene in scenes:
        scene.runner.abort()
        scene.work.cancel()
        await asyncio.gather(scene.work, return_exceptions=True)
        await scene.control.aclose()


@pytest_asyncio.fixture
async def at_work(committed_db, monkeypatch, settings):
    """A database for a whole worker, whose pauses are short."""
    settings.CALLS = {**settings.CALLS, "flush_ms": 10, "slots": 50}
    monkeypatch.setattr(supervisor, "SWEEP_S", 0.05)
    monkeypatch.setattr(supervisor, "LISTEN_RETRY_S", 0.05)
    monkeypatch.setattr(supervisor, "CALM_S", 0.3)
    monkeypatch.setattr(leases, "RENEW_S", 0.05)
    monkeypatch.setattr(backoff, "SETUP_S", (0.001,))
    yield
    await everything_closed()


@pytest_asyncio.fixture
async def hot(committed_db):
    async with connected() as connection:
        yield connection
