"""Threads with a connection each: how many are taken, when they go back, and whose failure is whose."""

from __future__ import annotations

import asyncio
import threading

import psycopg
import pytest
from django.db import OperationalError, connection

from calls.lending import Desk
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture(autouse=True)
def nothing_is_lent_here(committed_db):
    connection.close()
    connection.close_pool()  # threads of earlier tests may have kept what they borrowed of the one before
    connection.ensure_connection()
    connection.close()
    wait_until(lambda: lent() == 0, 30, "the pool to have what was closed")  # it takes it back in a thread of its own


def lent():
    connection.pool.wait(30)
    stats = connection.pool.get_stats()
    return stats["pool_size"] - stats["pool_available"]


def read(number=1):
    with connection.cursor() as cursor:
        cursor.execute("select %s", [number])
        return cursor.fetchone()[0]


def test_everybody_is_answered_and_no_connection_is_kept():
    before, desk = lent(), Desk(3, "test")
    asked = [desk.ask(read, number) for number in range(60)]
    assert [one.result(30) for one in asked] == list(range(60))
    wait_until(lambda: lent() == before, 30, "every connection to go back")


def test_a_crowd_shares_a_connection():
    desk, seen, go = Desk(1, "test"), [], threading.Event()

    def look():
        read()
        seen.append(connection.connection.info.backend_pid)

    first = desk.ask(go.wait, 30)
    asked = [desk.ask(look) for _ in range(5)]
    taken = connection.pool.get_stats().get("requests_num", 0)
    go.set()
    for one in (first, *asked):
        one.result(30)
    assert len(set(seen)) == 1
    assert connection.pool.get_stats()["requests_num"] - taken == 1


def test_a_failure_is_the_askers_own_and_costs_the_connection_alone(committed_db):
    before, desk, go = lent(), Desk(1, "test"), threading.Event()

    def fail():
        read()
        with psycopg.connect(committed_db, autocommit=True) as owner:
            owner.execute("select pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
        read()

    first = desk.ask(go.wait, 30)
    broken, fine = desk.ask(fail), desk.ask(read, 7)
    go.set()
    first.result(30)
    with pytest.raises(OperationalError):
        broken.result(30)
    assert fine.result(30) == 7
    wait_until(lambda: lent() == before, 30, "the pool to replace what was cut")


def test_who_gives_up_in_the_queue_leaves_it():
    desk, go, done = Desk(1, "test"), threading.Event(), []
    first = desk.ask(go.wait, 30)
    asked = [desk.ask(done.append, number) for number in range(3)]
    assert asked[1].cancel()
    go.set()
    for one in (first, asked[0], asked[2]):
        one.result(30)
    assert done == [0, 2]


def test_no_more_threads_work_than_there_are():
    desk, go, inside = Desk(2, "test"), threading.Event(), threading.Semaphore(0)

    def work():
        inside.release()
        assert go.wait(30)

    asked = [desk.ask(work) for _ in range(5)]
    assert inside.acquire(timeout=30)
    assert inside.acquire(timeout=30)
    assert not inside.acquire(timeout=0.1)
    go.set()
    for one in asked:
        one.result(30)


def test_a_loop_awaits_it():
    async def ask():
        return await asyncio.wrap_future(Desk(1, "test").ask(read, 3))

    assert asyncio.run(ask()) == 3


def test_what_was_kept_for_one_who_gave_up_goes_back():
    before, desk, reading, go = lent(), Desk(1, "test"), threading.Event(), threading.Event()

    def hold():
        reading.set()
        go.wait(30)
        return read()

    first = desk.ask(hold)
    assert reading.wait(30)
    waiting = desk.ask(read, 2)
    assert waiting.cancel()
    go.set()
    assert first.result(30) == 1
    wait_until(lambda: lent() == before, 30, "the connection to go back")
