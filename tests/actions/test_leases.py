"""Who owns a call: one winner, a growing epoch, and nothing done for a call that is somebody else's."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from calls.actions import leases
from calls.actions.leases import Lease
from calls.models import Command
from tests import factories
from tests.factories import NOON
from tests.sideband.desk import as_owner, connected, fetch, run_out, until, within

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def hot(committed_db):
    async with connected() as connection:
        yield connection


async def owners(hot):
    return dict(await fetch(hot, "select id, owner from calls_call"))


async def test_exactly_one_of_many_takers_wins_each_call(hot, acme):
    calls = await make_calls(acme, 6)
    won = []

    async def worker():
        owner = uuid4()
        async with connected() as connection:
            for _ in range(3):
                won.extend((owner, lease) for lease in await leases.take(connection, owner, limit=4))

    await asyncio.gather(*(worker() for _ in range(10)))
    assert sorted(lease.call for _, lease in won) == sorted(calls)
    assert {lease.epoch for _, lease in won} == {1}
    assert await owners(hot) == {lease.call: owner for owner, lease in won}


async def make_calls(tenant, count, **fields):
    """Ids, the oldest first."""

    def make():
        account = factories.make_account(tenant)
        return [
            factories.make_call(tenant, account=account, **{"started_at": NOON + timedelta(seconds=place), **fields}).pk
            for place in range(count)
        ]

    return await within(tenant, make)


async def test_one_named_call_has_one_winner(hot, acme):
    [call, _] = await make_calls(acme, 2)

    async def take():
        async with connected() as connection:
            return await leases.take(connection, uuid4(), limit=1, calls=[call])

    won = await asyncio.gather(*(take() for _ in range(12)))
    assert [lease for taken in won for lease in taken] == [Lease(call, 1)]


async def test_a_live_lease_is_not_taken(hot, acme):
    [call] = await make_calls(acme, 1)
    first = uuid4()
    assert await leases.take(hot, first, limit=5) == [Lease(call, 1)]
    assert await leases.take(hot, uuid4(), limit=5) == []
    assert await owners(hot) == {call: first}


async def test_an_expired_lease_is_taken_under_the_next_epoch(hot, acme, committed_db):
    [call] = await make_calls(acme, 1)
    for epoch in range(1, 4):
        assert await leases.take(hot, uuid4(), limit=5) == [Lease(call, epoch)]
        run_out(committed_db)
    assert await fetch(hot, "select takeovers from calls_call") == [(2,)]


async def test_right_after_postgresql_started_nobody_is_thought_dead(hot, acme, committed_db, monkeypatch):
    [held, _] = await make_calls(acme, 2)
    worker = await _worker(hot, committed_db, key=70, silent_for=3, calls=1)
    run_out(committed_db)
    monkeypatch.setattr(leases, "RISEN", "false")
    assert await leases.bury(hot, uuid4()) == 0
    [taken] = await leases.take(hot, uuid4(), limit=5)
    assert taken.call != held, "the call of one who had no time to renew"
    assert (await owners(hot))[held] == worker


@pytest.mark.parametrize("state", ["ended", "refused", "missed", "lost"])
async def test_a_call_that_is_over_is_nobodys(hot, acme, state):
    await make_calls(acme, 1, state=state)
    assert await leases.take(hot, uuid4(), limit=5) == []


@pytest.mark.parametrize("state", ["ringing", "accepted", "active", "transferring"])
async def test_a_live_call_wants_an_owner(hot, acme, state):
    [call] = await make_calls(acme, 1, state=state)
    assert await leases.take(hot, uuid4(), limit=5) == [Lease(call, 1)]


async def test_no_more_is_taken_than_asked_for_and_the_oldest_first(hot, acme):
    calls = await make_calls(acme, 5)
    taken = await leases.take(hot, uuid4(), limit=2)
    assert {lease.call for lease in taken} == set(calls[:2])


async def test_what_the_process_attends_is_not_taken_again_when_its_lease_ran_out(hot, acme, committed_db):
    mine, other = await make_calls(acme, 2)
    owner = uuid4()
    assert len(await leases.take(hot, owner, limit=5)) == 2
    run_out(committed_db)
    assert await leases.take(hot, owner, limit=5, besides=[mine]) == [Lease(other, 2)]


async def test_a_tenant_with_a_thousand_calls_does_not_starve_one_with_two(hot, acme, globex):
    crowd = await make_calls(acme, 20)
    few = await make_calls(globex, 2, started_at=NOON + timedelta(hours=1))
    taken = {lease.call for lease in await leases.take(hot, uuid4(), limit=4)}
    assert taken == {*crowd[:2], *few}


async def test_a_call_that_changes_hands_too_often_is_left_alone_for_a_while(hot, acme, committed_db):
    [call] = await make_calls(acme, 1)
    crowded = []
    for _ in range(leases.CROWDED_TAKEOVERS + 2):
        [lease] = await leases.take(hot, uuid4(), limit=1)
        crowded.append(lease.crowded)
        # Freed as after the death of its worker: there is no lease to go by.
        as_owner(committed_db, "update calls_call set owner = null, lease_expires = null")
    assert crowded == [False] * (leases.CROWDED_TAKEOVERS + 1) + [True]
    assert await leases.take(hot, uuid4(), limit=1) == []
    taken_ago(committed_db, 31)
    assert [(lease.call, lease.crowded) for lease in await leases.take(hot, uuid4(), limit=1)] == [(call, True)]
    run_out(committed_db)
    taken_ago(committed_db, 121)  # that was long ago: counted anew
    assert [(lease.call, lease.crowded) for lease in await leases.take(hot, uuid4(), limit=1)] == [(call, False)]


def taken_ago(url, seconds):
    as_owner(url, "update calls_call set taken_at = clock_timestamp() - make_interval(secs => %s)", seconds)


async def test_renewing_answers_what_is_still_held_and_prolongs_only_that(hot, acme, committed_db):
    kept, lost, given = await make_calls(acme, 3)
    owner = uuid4()
    held = await leases.take(hot, owner, limit=3)
    as_owner(committed_db, "update calls_call set owner = %s, epoch = 2 where id = %s", uuid4(), lost)
    as_owner(committed_db, "update calls_call set owner = null, lease_expires = null where id = %s", given)
    run_out(committed_db)
    assert await leases.renew(hot, owner, held) == {kept}
    left = dict(await fetch(hot, "select id, lease_expires > clock_timestamp() + interval '9 s' from calls_call"))
    assert left == {kept: True, lost: False, given: None}


async def test_an_older_epoch_of_ones_own_is_not_renewed(hot, acme, committed_db):
    [call] = await make_calls(acme, 1)
    owner = uuid4()
    [old] = await leases.take(hot, owner, limit=1)
    run_out(committed_db)
    [new] = await leases.take(hot, owner, limit=1)
    assert await leases.renew(hot, owner, [old]) == set()
    assert await leases.renew(hot, owner, [new]) == {call}


async def test_a_lease_that_ran_out_is_renewed_while_nobody_took_it(hot, acme, committed_db):
    """After the database was away the same owner goes on under the same epoch."""
    [call] = await make_calls(acme, 1)
    owner = uuid4()
    held = await leases.take(hot, owner, limit=1)
    run_out(committed_db, seconds=60)
    assert await leases.renew(hot, owner, held) == {call}
    assert await leases.take(hot, uuid4(), limit=1) == []


async def test_releasing_gives_all_back_at_once_and_tells_the_others(hot, acme):
    calls = await make_calls(acme, 3)
    owner, other = uuid4(), uuid4()
    await leases.take(hot, owner, limit=2)
    await leases.take(hot, other, limit=1)
    async with connected() as listening:
        await listening.execute("listen sideband_free")
        assert await leases.release(hot, owner) == 2
        notices = [notice.channel async for notice in listening.notifies(timeout=5, stop_after=1)]
    assert notices == ["sideband_free"]
    assert await owners(hot) == {calls[0]: None, calls[1]: None, calls[2]: other}


async def test_a_planned_hand_over_is_no_takeover(hot, acme):
    await make_calls(acme, 1)
    for _ in range(leases.CROWDED_TAKEOVERS + 5):
        owner = uuid4()
        assert len(await leases.take(hot, owner, limit=1)) == 1
        await leases.release(hot, owner)


async def test_commands_are_claimed_once_and_in_the_order_of_asking(hot, acme):
    call = await within(acme, lambda: factories.make_call(acme))
    asked = [await within(acme, lambda: factories.make_command(call, text=word)) for word in ("one", "two", "three")]  # noqa: B023
    owner = uuid4()
    held = await leases.take(hot, owner, limit=1)
    claimed = await leases.claim_commands(hot, owner, held)
    assert claimed == [(call.pk, command.id, "inform", command.text, {}) for command in asked]
    assert await leases.claim_commands(hot, owner, held) == []
    states = await within(acme, lambda: set(Command.objects.values_list("state", "epoch")))
    assert states == {("claimed", 1)}


async def test_commands_are_claimed_under_the_own_epoch_only(hot, acme, committed_db):
    call = await within(acme, lambda: factories.make_call(acme))
    await within(acme, lambda: factories.make_command(call))
    stale = uuid4()
    held = await leases.take(hot, stale, limit=1)
    run_out(committed_db)
    owner = uuid4()
    [current] = await leases.take(hot, owner, limit=1)
    assert await leases.claim_commands(hot, stale, held) == []
    assert await leases.claim_commands(hot, stale, [current]) == []
    assert await leases.claim_commands(hot, owner, held) == []
    assert len(await leases.claim_commands(hot, owner, [current])) == 1


@pytest.mark.parametrize("state", ["claimed", "sent", "confirmed", "refused", "not_confirmed", "expired", "cancelled"])
async def test_only_what_waits_is_claimed(hot, acme, state):
    call = await within(acme, lambda: factories.make_call(acme))
    await within(acme, lambda: factories.make_command(call, state=state))
    owner = uuid4()
    held = await leases.take(hot, owner, limit=1)
    assert await leases.claim_commands(hot, owner, held) == []


async def test_a_worker_is_seen_while_it_works_and_forgotten_when_it_leaves(hot):
    owner = uuid4()
    for calls in (0, 3):
        await leases.beat(
            hot, owner, host="h", pid=7, lock_key=0, slots=10, calls=calls, counters={"waiting": [calls, 9]}
        )
    assert await fetch(hot, "select host, pid, slots, calls from calls_worker") == [("h", 7, 10, 3)]
    await leases.leave(hot, owner)
    assert await fetch(hot, "select 1 from calls_worker") == []


async def _worker(hot, url, *, key, silent_for, calls):
    """A worker that was heard of so many seconds ago, with calls of its own."""
    owner = uuid4()
    for lease in await leases.take(hot, owner, limit=calls):
        assert lease.epoch == 1
    await leases.beat(
        hot, owner, host="h", pid=7, lock_key=key, slots=10, calls=calls, counters={"waiting": [calls, 9]}
    )
    as_owner(
        url,
        "update calls_worker set seen_at = clock_timestamp() - make_interval(secs => %s) where owner = %s",
        silent_for,
        owner,
    )
    return owner


async def test_the_calls_of_a_dead_worker_are_free_at_once_and_it_is_forgotten(hot, acme, committed_db):
    await make_calls(acme, 3)
    dead = await _worker(hot, committed_db, key=71, silent_for=3, calls=2)
    mine = uuid4()
    assert await leases.bury(hot, mine) == 2
    assert list((await owners(hot)).values()) == [None, None, None]
    assert await fetch(hot, "select 1 from calls_worker where owner = %s", dead) == []
    assert len(await leases.take(hot, mine, limit=5)) == 3


async def test_a_paused_worker_keeps_its_lock_and_its_calls(hot, acme, committed_db):
    await make_calls(acme, 1)
    paused = await _worker(hot, committed_db, key=72, silent_for=60, calls=1)
    async with connected() as its_own:
        await leases.lock(its_own, 72)
        assert await leases.bury(hot, uuid4()) == 0
        assert list((await owners(hot)).values()) == [paused]
    # The process is gone: its connection is closed, and the lock with it.
    await until(lambda: leases.bury(hot, uuid4()))


@pytest.mark.parametrize(("key", "silent_for"), [(73, 0.5), (0, 60)], ids=["fresh", "never held a lock"])
async def test_a_worker_that_may_live_is_not_judged(hot, acme, committed_db, key, silent_for):
    await make_calls(acme, 1)
    worker = await _worker(hot, committed_db, key=key, silent_for=silent_for, calls=1)
    assert await leases.bury(hot, uuid4()) == 0
    assert list((await owners(hot)).values()) == [worker]


async def test_nobody_buries_itself(hot, acme, committed_db):
    await make_calls(acme, 1)
    worker = await _worker(hot, committed_db, key=74, silent_for=60, calls=1)
    assert await leases.bury(hot, worker) == 0


async def test_a_command_that_was_asked_for_too_long_ago_is_not_claimed(hot, acme, committed_db):
    call = await within(acme, lambda: factories.make_call(acme))
    await within(acme, lambda: factories.make_command(call))
    as_owner(committed_db, "update calls_command set requested_at = clock_timestamp() - interval '31 seconds'")
    owner = uuid4()
    held = await leases.take(hot, owner, limit=1)
    assert await leases.claim_commands(hot, owner, held) == []
