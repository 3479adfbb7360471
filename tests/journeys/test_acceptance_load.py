"""A hundred calls for three minutes, and a worker killed in the middle. Runs only with REALTIME_OPS_LOAD=1."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator

import pytest
from django.conf import settings

from realtime_ops import command_lines
from tests.rig import machine
from tests.rig.machine import Plan, Rig
from tests.rig.provider import Provider
from tests.rig.waiting import wait_until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.environ.get("REALTIME_OPS_LOAD") != "1", reason="takes five minutes: REALTIME_OPS_LOAD=1"),
]

CALLS = 100
DURATION_S = 180.0
WATCHED_AGAIN_S = 15.0


@pytest.fixture
def busy() -> Iterator[Rig]:
    """A product of its own, with a hundred telephones of both tenants that are never idle for long."""
    with machine.rig(settings.STATE_DIR / "load", Plan(durable=True)) as rig:
        rig.handles["simulator"].stop()
        command = command_lines.simulator(rig.provider.port, rig.directory / "accounts.json")
        command += ["--calls", str(CALLS), "--loop", "--arrivals-per-second", "15", "--seed", "1"]
        rig.provider = Provider(rig.provider.port, rig.directory / "load.jsonl")
        rig.add("simulator", [*command, "--ledger", str(rig.provider.ledger)])
        wait_until(rig.provider.healthy, 20, "the simulator")
        yield rig


def test_a_hundred_calls_and_a_killed_worker_leave_no_difference_and_no_unmarked_loss(busy: Rig) -> None:
    rig = busy
    attached = "select count(*) from calls_call where attachment = 'attached' and ended_at is null"
    wait_until(lambda: rig.rows(attached)[0][0] >= CALLS * 0.9, 60, "a hundred calls")
    begun = time.monotonic()
    wait_until(lambda: time.monotonic() - begun > DURATION_S / 2, DURATION_S, "the middle")

    victim = rig.workers[0]
    held = (
        "select c.id from calls_call c join calls_worker w on w.owner = c.owner where w.pid = %s and c.ended_at is null"
    )
    orphans = [row[0] for row in rig.rows(held, victim.pid)]
    killed_at = rig.rows("select clock_timestamp()")[0][0]
    victim.kill()
    # Those that go on must be attached to again; the others end, as far as anybody can know.
    unwatched = """select count(*) from calls_call c where c.id = any(%s) and c.ended_at is null and not exists
                   (select from calls_gap g where g.call_id = c.id and g.ended_at > %s)"""
    wait_until(lambda: not rig.rows(unwatched, orphans, killed_at)[0][0], WATCHED_AGAIN_S + 5, "orphans to be watched")
    gaps = """select extract(epoch from g.ended_at - g.started_at)::float8, extract(epoch from g.ended_at - %s)::float8
              from calls_gap g where g.call_id = any(%s) and g.cause = 'owner_lost' order by 2"""
    lengths = rig.rows(gaps, killed_at, orphans)
    assert lengths
    victim.start()
    wait_until(lambda: time.monotonic() - begun > DURATION_S, DURATION_S, "the end")

    events = rig.provider.sent()
    rig.handles["simulator"].stop()
    wait_until(
        lambda: not rig.rows("select 1 from calls_call where ended_at is null limit 1"), 120, "every call to end"
    )
    report = json.loads(
        rig.manage("check_ledger", str(rig.provider.ledger), "--tenant", "acme", "--tenant", "globex", may_fail=True)
    )
    back = [row[1] for row in lengths]
    figures = {
        "calls": report["compared"].get("calls"),
        "turns": report["compared"].get("turns"),
        "tokens": report["compared"].get("tokens"),
        "events": events,
        "orphans": len(orphans),
        "watched_again_s": {"first": back[0], "median": back[len(back) // 2], "last": back[-1]},
        "lost_in_gaps": report["compared"].get("turns_lost_in_gaps", 0),
        "differences": report["differences"],
    }
    sys.stderr.write(json.dumps(figures) + "\n")
    assert back[-1] <= WATCHED_AGAIN_S
    assert report["details"] == []
    assert rig.problems() == []
