"""What a worker counts stands in its row, with its bounds."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from calls import resources
from calls.actions.ingest import CallRef
from calls.sideband import gauges, supervisor
from calls.sideband.supervisor import Supervisor
from tests.sideband.desk import turn

pytestmark = pytest.mark.asyncio


async def test_every_figure_is_a_number_or_a_number_and_its_bound(committed_db):
    found = gauges.read(Supervisor())
    assert json.loads(json.dumps(found)) == found
    for value in found.values():
        assert isinstance(value, int) or [type(part) for part in value] == [int, int]


async def test_they_count(committed_db):
    one = Supervisor()
    one.writer.put(CallRef(1, UUID(int=1), UUID(int=2), "e", 1), [turn(), turn()], {})
    one.announcer.put("g", {})
    one.frames.oversized += 2
    one.fence._note(0.3)
    found = gauges.read(one)
    assert (found["waiting"][0], found["announcements"][0], found["oversized_frames"]) == (2, 1, 2)
    assert found["waiting_bytes"][0] > 1_000
    assert found["lag_ms"] == [300, 250]
    assert gauges.read(one)["lag_ms"][0] == 0  # the worst since the last reading


async def test_a_worker_has_no_more_slots_than_descriptors_and_takes_nothing_without_any(committed_db, monkeypatch):
    monkeypatch.setattr(resources, "descriptor_limit", lambda: 100)
    one = Supervisor()
    assert one.slots == 100 - resources.KEPT_FREE
    monkeypatch.setattr(resources, "descriptors_left", lambda: 0)

    async def take(*_, **__):
        raise AssertionError("asked for calls")

    monkeypatch.setattr(supervisor.leases, "take", take)
    await one._take(limit=10)
