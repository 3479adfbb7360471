"""A worker dies, a worker is told to go, Redis forgets everything: no call is left alone, and nothing is told twice."""

from __future__ import annotations

import shutil

import pytest

from tests.rig.handles import Handle
from tests.rig.machine import Rig
from tests.rig.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.journey

CALLS = 20
SPEED = 4.0
HANDED_OVER_S = 6.5
"""The release is told by PostgreSQL. No lease that was not released could have run out by then: 10 s, renewed every 3 s"""
BROKER_AWAY = ("Cannot connect to redis", "Connection to broker lost", '"channels_redis.pubsub"')
"""How Celery and channels_redis tell that Redis is away, at level error"""


def _place(rig: Rig, count: int = CALLS) -> list[str]:
    ids = [rig.provider.place("long_chat", account=n % 2, speed=SPEED) for n in range(count)]
    rig.wait_until_attached(*ids)
    return ids


def _of(rig: Rig, worker: Handle) -> set[str]:
    """The live calls that a worker holds."""
    query = "select c.call_id from calls_call c join calls_worker w on w.owner = c.owner where w.pid = %s"
    return {row[0] for row in rig.rows(query, worker.pid)}


def _watched_again(rig: Rig, calls: set[str]) -> bool:
    """Each of these calls that is not over has a gap with an end: a new owner has attached to it."""
    query = "select call_id from calls_call where call_id = any(%s) and ended_at is null"
    live = {row[0] for row in rig.rows(query, list(calls))}
    return live <= _gapped(rig, live, "owner_lost")


def _end(rig: Rig, ids: list[str]) -> None:
    for call_id in {one["call_id"] for one in rig.provider.live()} & set(ids):
        rig.provider.hang_up(call_id)
    rig.settle(*ids)


def _gapped(rig: Rig, calls: set[str], cause: str) -> set[str]:
    query = """select distinct c.call_id from calls_gap g join calls_call c on c.id = g.call_id
               where c.call_id = any(%s) and g.cause = %s"""
    return {row[0] for row in rig.rows(query, list(calls), cause)}


def test_calls_of_a_killed_worker_are_watched_again_and_what_was_missed_is_shown(rig: Rig) -> None:
    ids = _place(rig)
    victim = max(rig.workers, key=lambda worker: len(_of(rig, worker)))
    orphans = _of(rig, victim) & set(ids)
    assert orphans
    victim.kill()
    wait_until(lambda: _watched_again(rig, orphans), LIMIT_S, "every orphan to be watched again")
    assert _gapped(rig, orphans, "owner_lost"), "every call ended while nobody watched: nothing was proven"
    _end(rig, ids)
    # Invented, doubled and silently lost turns and tokens all count as differences.
    assert rig.differences(*ids) == []
    truths = rig.provider.truths()
    assert {truths[call_id]["accepts"] for call_id in ids} == {1}


def test_a_worker_that_is_told_to_go_hands_its_calls_over_at_once(rig: Rig) -> None:
    rig.wait_for_workers(2)
    ids = _place(rig)
    leaver = max(rig.workers, key=lambda worker: len(_of(rig, worker)))
    held = _of(rig, leaver) & set(ids)
    assert held
    leaver.terminate()
    wait_until(lambda: _watched_again(rig, held), HANDED_OVER_S, "the hand-over")
    leaver.stop()
    _end(rig, ids)
    assert rig.differences(*ids) == []


def test_redis_may_die_and_come_back_empty_in_the_middle(rig: Rig) -> None:
    rig.forgive(*BROKER_AWAY)
    rig.wait_for_workers(2)
    before = _place(rig, 6)
    with rig.watcher() as screen:
        screen.wait()
        rig.redis.kill()
        during = [rig.provider.place("long_chat", account=n % 2, speed=SPEED) for n in range(4)]
        # The sweep finds them: there is no nudge.
        rig.wait_until_attached(*during, limit=LIMIT_S)
        statuses = [line["status"] for call_id in during for line in rig.provider.lines("webhook", call_id)]
        assert statuses == [200] * len(during)
        opened = [
            line for call_id in before for line in rig.provider.requests(call_id, "dial") if line["status"] == 101
        ]
        assert len(opened) == len(before), "no sideband was dialled a second time"
        shutil.rmtree(rig.directory / "redis")
        (rig.directory / "redis").mkdir()
        rig.redis.start()
        codes = {rig.code(call_id) for call_id in during[::2]}
        shown = screen.picture
        wait_until(lambda: all(shown.row(code) for code in codes), LIMIT_S, "the screen to show what it had missed")
        after = rig.provider.place("two_turn", account=0)
        code = rig.code(after)
        wait_until(lambda: shown.row(code).get("state") == "ended", LIMIT_S, "the feed to go on")
        assert screen.connections == 1, "the socket to the browser was kept"
    _end(rig, [*before, *during, after])
    assert rig.differences(*before, *during, after) == []
