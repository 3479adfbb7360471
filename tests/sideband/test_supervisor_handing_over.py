"""Calls change hands: a worker stops, is cut off from the provider, or leaves what it could not store."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import psycopg
import pytest
from django.utils import timezone

from calls.actions import leases
from calls.domain.changes import NoteAdded
from calls.models import Call, CallEvent, Command, Gap, Turn
from calls.sideband import backoff, inheritance, loop, peers, supervisor, writer
from tests import factories
from tests.sideband.desk import as_owner, at, fetch, until, within
from tests.sideband.provider import CUT
from tests.sideband.supervising import attached, call_row, ringing, says, working

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("at_work")]


async def test_a_worker_that_stops_hands_its_calls_over(acme, provided, hot, monkeypatch):
    call = await ringing(acme, provided)
    async with working() as one:
        await attached(hot, call, one)
        await says(provided, "Before.")
        # From here on only the word of the one who leaves can wake the other.
        monkeypatch.setattr(supervisor, "SWEEP_S", 3600.0)
        async with working() as two:
            await until(lambda: fetch(hot, "select 1 from calls_worker where owner = %s", two.owner))
            one.stop()
            await provided.dialled(2)
            await attached(hot, call, two)
            assert (await call_row(hot, call))[3] == 2
            assert await fetch(hot, "select owner from calls_worker") == [(two.owner,)]
            await says(provided, "After.", "item_2")
            await until(lambda: within(acme, lambda: Turn.objects.count() == 2))
    assert provided.asked == ["accept", "dial", "dial"]
    assert await within(acme, lambda: Gap.objects.values_list("cause", flat=True)[0]) == "owner_lost"


@pytest.fixture
def impatient(monkeypatch):
    """Who does not reach the provider gives up soon."""
    monkeypatch.setattr(backoff, "REDIAL_S", (0.01,))
    monkeypatch.setattr(backoff, "REDIAL_BUDGET_S", 0.2)


async def cut_off(provided):
    """The provider drops the call and is not reached any more."""
    provided.will("dial", CUT)
    await provided.drop()


async def given_back(provided, hot):
    """Until the call is nobody's; then the provider is reached again."""
    await until(lambda: fetch(hot, "select 1 from calls_call where owner is null"))
    provided.will("dial", 200)


def every(monkeypatch, name):
    """What an action on leases is asked from now on, each time that it has answered."""
    asked, real = [], getattr(leases, name)

    async def noted(*arguments, **named):
        answer = await real(*arguments, **named)
        asked.append((arguments, named))
        return answer

    monkeypatch.setattr(leases, name, noted)
    return asked


async def test_a_worker_that_is_cut_off_from_the_provider_leaves_its_calls_to_a_peer_first(
    acme, provided, hot, monkeypatch, impatient
):
    call = await ringing(acme, provided)
    async with working() as one:
        await attached(hot, call, one)
        await cut_off(provided)
        await given_back(provided, hot)
        sweeps = every(monkeypatch, "take")
        await until(lambda: len(sweeps) >= 10)
        assert all(call.pk in named["besides"] for _, named in sweeps)
        assert await fetch(hot, "select 1 from calls_call where owner is null")
        async with working() as two:
            await attached(hot, call, two)
    assert await within(acme, lambda: Call.objects.get().state) == "active"


async def test_what_is_asked_while_a_call_is_being_given_back_is_left_to_its_next_owner(
    acme, provided, hot, monkeypatch, impatient
):
    giving, go_on, give_back = asyncio.Event(), asyncio.Event(), leases.give_back

    async def slowly(*arguments):
        giving.set()
        await go_on.wait()
        await give_back(*arguments)

    monkeypatch.setattr(leases, "give_back", slowly)
    call = await ringing(acme, provided)
    async with working() as one:
        await attached(hot, call, one)
        await cut_off(provided)
        await giving.wait()
        command = await within(acme, lambda: factories.make_command(call, text="For the next one."))
        renewals = every(monkeypatch, "renew")  # after each of them commands are claimed
        await until(lambda: len(renewals) >= 10)
        go_on.set()
        await until(lambda: fetch(hot, "select 1 from calls_call where owner is null"))
        assert (await within(acme, lambda: Command.objects.get(pk=command.pk))).state == "requested"


async def test_a_ringing_call_of_a_worker_that_is_cut_off_is_answered_by_a_peer(acme, provided, hot, monkeypatch):
    monkeypatch.setattr(peers, "RINGING_FIRST_S", 60.0)
    provided.will("accept", CUT)
    provided.will("dial", CUT)
    async with working():
        call = await ringing(acme, provided)
        await until(lambda: fetch(hot, "select 1 from calls_call where owner is null and epoch = 1"))
        provided.will("accept", 200)
        provided.will("dial", 200)
        async with working() as two:
            await attached(hot, call, two)


async def test_a_call_that_no_peer_takes_is_taken_again(acme, provided, hot, monkeypatch, impatient):
    monkeypatch.setattr(peers, "FIRST_S", 0.2)
    call = await ringing(acme, provided)
    async with working() as one:
        await attached(hot, call, one)
        await cut_off(provided)
        await given_back(provided, hot)
        await attached(hot, call, one)
    assert (await call_row(hot, call))[3] == 2
    # Nothing was ever heard of it: unseen since it was answered.
    assert await within(acme, lambda: Gap.objects.get().started_at == Call.objects.get().answered_at)


async def test_what_waits_is_stored_before_the_calls_are_given_back(acme, provided, hot, settings):
    settings.CALLS = {**settings.CALLS, "flush_ms": 60_000}
    call = await ringing(acme, provided)
    async with working() as one:
        await provided.dialled()
        runner = await until(lambda: one._runners.get(call.pk))
        await until(lambda: runner.session.state == "active")
        one.writer.put(runner.ref, [NoteAdded("keypad", at(1), {"key": "5"})], {})
    assert (await call_row(hot, call))[:3] == ("active", "attached", None)
    assert await within(acme, lambda: CallEvent.objects.filter(kind="note").count()) == 1


async def test_what_cannot_be_stored_before_the_end_is_left_to_the_next_worker_of_the_machine(
    acme, provided, hot, committed_db, settings, monkeypatch, tmp_path
):
    settings.CALLS = {**settings.CALLS, "flush_ms": 60_000, "spool_dir": tmp_path}
    monkeypatch.setattr(supervisor, "DRAIN_S", 0.3)
    call = await ringing(acme, provided)
    async with working() as one:
        await provided.dialled()
        runner = await until(lambda: one._runners.get(call.pk))
        await until(lambda: runner.session.state == "active")
        one.writer.put(runner.ref, [NoteAdded("keypad", at(1), {"key": "5"})], {})

        lend = type(one.pool).connection

        def gone(self, *args, **kwargs):
            raise psycopg.OperationalError("the database is away")

        monkeypatch.setattr(type(one.pool), "connection", gone)
    assert (await call_row(hot, call))[:3] == ("ringing", "detached", one.owner)
    assert len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr(type(one.pool), "connection", lend)
    settings.CALLS = {**settings.CALLS, "flush_ms": 10, "spool_dir": tmp_path}
    as_owner(committed_db, "update calls_call set lease_expires = now() - interval '1 minute'")
    async with working() as two:
        await attached(hot, call, two)
        assert await within(acme, lambda: CallEvent.objects.filter(kind="note").count()) == 1
    assert list(tmp_path.iterdir()) == []
    assert provided.count("accept") == 1


async def test_the_drain_and_all_that_may_follow_end_before_the_process_does():
    assert supervisor.DRAIN_S + 2 * writer.DISK_LIMIT_S + supervisor.RELEASE_S < loop.DRAIN_LIMIT_S


async def test_a_disk_that_fails_does_not_keep_the_calls(acme, provided, hot, settings, monkeypatch, tmp_path):
    settings.CALLS = {**settings.CALLS, "spool_dir": tmp_path}
    call = await ringing(acme, provided)
    async with working() as one:
        await attached(hot, call, one)

        def broken(*_):
            raise OSError(5, "the disk is broken")

        monkeypatch.setattr(one.writer.spool, "first", broken)
        monkeypatch.setattr(one.writer.spool, "close", broken)
        monkeypatch.setattr(type(one.writer.spool), "__bool__", lambda _: True)
        monkeypatch.setattr(supervisor, "DRAIN_S", 0.3)
    assert (await call_row(hot, call))[2] is None


async def test_a_spool_that_nobody_can_read_does_not_keep_the_living_from_their_work(
    acme, provided, hot, settings, monkeypatch, tmp_path
):
    settings.CALLS = {**settings.CALLS, "spool_dir": tmp_path}

    def broken(*_):
        raise OSError(5, "the disk is broken")

    (tmp_path / "stray.spool").write_text("not ours")
    monkeypatch.setattr(inheritance.Leftover, "find", broken)
    call = await ringing(acme, provided, state="active", owner=uuid4(), epoch=1, lease_expires=timezone.now())
    async with working() as one:
        await attached(hot, call, one)
