"""Leases are lost, taken again, or cannot be prolonged."""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from calls.actions import leases
from calls.models import Gap, Turn
from calls.sideband import fence, supervisor
from calls.sideband.supervisor import Supervisor
from tests import factories
from tests.sideband.desk import as_owner, fetch, run_out, until, within
from tests.sideband.supervising import attached, call_row, ringing, says, working

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("at_work")]


async def test_a_lost_lease_is_let_go_of_at_once(acme, provided, hot, committed_db, caplog):
    call = await ringing(acme, provided)
    async with working() as one:
        await attached(hot, call, one)
        rival = uuid4()
        steal = "update calls_call set owner = %s, epoch = 9, lease_expires = now() + interval '1 hour' where id = %s"
        as_owner(committed_db, steal, rival, call.pk)
        await until(lambda: provided.closed == 1)
        await until(lambda: call.pk not in one._runners)
        assert (await call_row(hot, call))[2:] == (rival, 9)
    assert "lease lost" in caplog.text
    assert provided.count("dial") == 1


async def test_calls_are_kept_when_the_database_was_away_for_longer_than_a_lease(
    acme, provided, hot, committed_db, monkeypatch
):
    """All leases ran out; their owner renews them before anybody takes them, itself included."""
    calls = [await ringing(acme, provided) for _ in range(3)]
    async with working() as one, working() as two:
        for call in calls:
            await attached(hot, call)
        before = dict(await fetch(hot, "select id, (owner, epoch)::text from calls_call"))
        away = {"yes": True}

        def gone(self, *args, **kwargs):
            if away["yes"]:
                raise psycopg.OperationalError("the database is away")
            return lend(self, *args, **kwargs)

        lend = type(one.pool).connection
        monkeypatch.setattr(type(one.pool), "connection", gone)
        started = [worker._away_at for worker in (one, two)]
        await until(lambda: all(worker._away_at > then for worker, then in zip((one, two), started, strict=True)))
        as_owner(committed_db, "update calls_call set lease_expires = now() - interval '1 minute'")
        away["yes"] = False
        fresh = "select bool_and(lease_expires > clock_timestamp()) from calls_call"
        await until(lambda: is_true(hot, fresh))
        await until(lambda: all(supervisor.time.monotonic() - worker._away_at > 0.4 for worker in (one, two)))
        assert dict(await fetch(hot, "select id, (owner, epoch)::text from calls_call")) == before
        assert provided.count("dial") == 3


async def is_true(hot, statement):
    [[value]] = await fetch(hot, statement)
    return value


async def test_a_lease_that_was_lost_and_taken_again_keeps_the_new_runner(acme, provided, hot, committed_db):
    """The old attendance ends later than the new one begins, and must not take its place away."""
    call = await ringing(acme, provided)
    async with working() as one:
        await attached(hot, call, one)
        old = one._runners[call.pk]
        as_owner(committed_db, "update calls_call set owner = null, lease_expires = null where id = %s", call.pk)
        await until(lambda: (now := one._runners.get(call.pk)) and now is not old and now.ref.epoch == 2)
        await attached(hot, call, one)
        await until(lambda: old.over.is_set())
        new = one._runners[call.pk]
        one._lost(old.ref)
        assert not new.over.is_set()
        await within(acme, lambda: factories.make_command(call, text="Still here?"))
        await until(lambda: provided.heard)


async def test_nothing_is_sent_after_seven_seconds_without_a_renewal(committed_db, monkeypatch):
    one = Supervisor()
    assert one.may_send()
    monkeypatch.setattr(fence, "now", lambda: time.monotonic() + 1e6 + leases.FENCE_S)
    assert not one.may_send()


async def test_silence_from_postgresql_drops_the_sockets_and_what_was_heard_is_stored_if_nobody_took_the_call(
    acme, provided, hot, committed_db, monkeypatch
):
    """Here nobody did: the same worker takes it again, and the stretch in between is a gap."""
    call = await ringing(acme, provided)
    async with working() as one:
        await attached(hot, call, one)
        silent = {"yes": True}

        async def silence(self, *args, **kwargs):
            await asyncio.sleep(0.01)
            raise PoolTimeout("silent")

        def lend(self, *args, **kwargs):
            return Silent() if silent["yes"] else real(self, *args, **kwargs)

        class Silent:
            __aenter__ = silence

            async def __aexit__(self, *_):
                return None

        real = type(one.pool).connection
        monkeypatch.setattr(type(one.pool), "connection", lend)
        await says(provided, "Heard before.")
        await until(lambda: one.writer.waiting)
        monkeypatch.setattr(fence, "FENCE_S", 0.2)
        await until(lambda: provided.closed == 1)
        assert call.pk not in one._leases
        assert one.writer.waiting
        monkeypatch.setattr(fence, "FENCE_S", leases.FENCE_S)
        silent["yes"] = False
        await until(lambda: within(acme, lambda: Turn.objects.filter(text="Heard before.").exists()))
        expired = "update calls_call set lease_expires = now() - interval '1 minute'"
        as_owner(committed_db, expired)
        await until(lambda: provided.count("dial") == 2)
        await attached(hot, call, one)
        assert (await call_row(hot, call))[3] == 2
        await until(lambda: within(acme, lambda: Gap.objects.exists()))
    assert provided.count("accept") == 1


async def test_a_call_that_is_let_go_while_it_is_being_briefed_is_not_attended(acme, provided, hot, monkeypatch):
    call = await ringing(acme, provided)
    read = supervisor.briefing
    taken = asyncio.Event()

    async def slow(*args):
        brief = await read(*args)
        taken.set()
        one._let_go()
        return brief

    monkeypatch.setattr(supervisor, "briefing", slow)
    async with working() as one:
        await taken.wait()
        await until(lambda: not one._tasks)
        assert one._runners == {}
    assert provided.asked == []
    assert call.pk


async def test_a_call_that_ends_while_storing_is_held_up_is_ours_until_its_end_is_stored(
    acme, provided, hot, committed_db
):
    """Whoever took it in the meantime would have all of it refused that waits."""
    call = await ringing(acme, provided)
    async with working() as one:
        await attached(hot, call, one)
        with psycopg.connect(committed_db) as lock:
            lock.execute("lock table calls_turn in access exclusive mode")
            await says(provided, "Before.")
            provided.will("dial", 404)
            await provided.drop()
            await until(lambda: call.pk not in one._runners)
            run_out(committed_db)
            await until(lambda: fetch(hot, "select 1 from calls_call where lease_expires > clock_timestamp()"))
            assert (await call_row(hot, call))[0] == "active"
        await until(lambda: fetch(hot, "select 1 from calls_call where ended_at is not null"))
        await until(lambda: call.pk not in one._leases)
        assert (await call_row(hot, call))[2:] == (None, 1)
    assert await within(acme, lambda: [turn.text for turn in Turn.objects.all()]) == ["Before."]
