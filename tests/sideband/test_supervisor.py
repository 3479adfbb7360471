"""A worker process and its calls: take them, hear commands, and never two owners of one call."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from calls.actions import commands, leases
from calls.models import Call, CallEvent, Command, Turn
from calls.sideband import fence, supervisor
from calls.tenancy import tenant_scope
from tests import factories
from tests.sideband.desk import as_owner, fetch, until, within
from tests.sideband.supervising import attached, call_row, ringing, says, working

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("at_work")]


async def test_a_ringing_call_is_found_answered_and_written_down(acme, provided, hot):
    call = await ringing(acme, provided)
    async with working() as one:
        await attached(hot, call, one)
        await says(provided, "Hello.")
        await until(lambda: within(acme, lambda: Turn.objects.filter(text="Hello.").exists()))
    assert provided.asked == ["accept", "dial"]
    events = await within(acme, lambda: list(CallEvent.objects.order_by("seq").values_list("seq", "kind")))
    assert [seq for seq, _ in events] == list(range(1, len(events) + 1))


async def test_a_nudge_attends_a_call_without_the_sweep(acme, provided, hot, monkeypatch):
    monkeypatch.setattr(supervisor, "SWEEP_S", 3600.0)
    async with working() as one:
        await until(lambda: fetch(hot, "select 1 from calls_worker"))
        call = await ringing(acme, provided)
        await asyncio.gather(*(one.ensure(call.pk) for _ in range(5)))
        await attached(hot, call, one)
    assert provided.asked == ["accept", "dial"]


async def test_nudges_are_taken_together_and_all_of_them(acme, provided, hot, monkeypatch):
    monkeypatch.setattr(supervisor, "SWEEP_S", 3600.0)
    monkeypatch.setattr(supervisor, "TAKE_AT_ONCE", 4)
    asked = []
    real = leases.take

    async def counted(*arguments, **options):
        asked.append(options["calls"])
        return await real(*arguments, **options)

    async with working() as one:
        await until(lambda: fetch(hot, "select 1 from calls_worker"))
        calls = [await ringing(acme, provided) for _ in range(6)]
        monkeypatch.setattr(leases, "take", counted)
        await one.ensure(calls[0].pk, calls[1].pk, calls[2].pk)
        for call in calls:
            await one.ensure(call.pk)
        for call in calls:
            await attached(hot, call, one)
    assert [len(some) for some in asked] == [4, 2]
    assert (provided.count("accept"), provided.count("dial")) == (6, 6)


async def test_nudges_of_a_worker_without_slots_are_left_to_the_others(acme, provided, hot, monkeypatch, settings):
    settings.CALLS = {**settings.CALLS, "slots": 2}
    monkeypatch.setattr(supervisor, "SWEEP_S", 3600.0)
    async with working() as one:
        await until(lambda: fetch(hot, "select 1 from calls_worker"))
        calls = [await ringing(acme, provided) for _ in range(4)]
        await one.ensure(*(call.pk for call in calls))
        await until(lambda: len(provided.sockets) == 2)
        assert not one._nudged


async def test_two_workers_share_the_calls_and_none_has_two_owners(acme, provided, hot):
    calls = [await ringing(acme, provided) for _ in range(6)]
    async with working() as one, working() as two:
        for call in calls:
            await attached(hot, call)
        owners = {owner for (owner,) in await fetch(hot, "select owner from calls_call")}
        assert owners <= {one.owner, two.owner}
        assert (provided.count("accept"), provided.count("dial")) == (6, 6)


async def test_a_worker_takes_no_more_than_its_slots(acme, provided, hot, settings):
    settings.CALLS = {**settings.CALLS, "slots": 2}
    for _ in range(4):
        await ringing(acme, provided)
    async with working() as one:
        await until(lambda: len(provided.sockets) == 2)
        calls = [call for (call,) in await fetch(hot, "select id from calls_call")]
        await asyncio.gather(*(one.ensure(call) for call in calls))
        assert await fetch(hot, "select count(*) from calls_call where owner = %s", one.owner) == [(2,)]


async def test_that_a_call_changes_hands_too_often_stands_in_its_transcript(acme, provided, hot):
    fields = {"takeovers": leases.CROWDED_TAKEOVERS, "epoch": 9, "taken_at": timezone.now() - timedelta(seconds=40)}
    call = await ringing(acme, provided, **fields)
    async with working():
        await attached(hot, call)
        await until(lambda: within(acme, lambda: CallEvent.objects.filter(kind="note").exists()))
    body = await within(acme, lambda: CallEvent.objects.get(kind="note").body)
    assert (body["kind"], body["body"]["kind"]) == ("oddity", "changes hands")


async def test_a_command_is_carried_out_when_the_owner_is_told(acme, sam, provided, hot, committed_db, monkeypatch):
    monkeypatch.setattr(leases, "RENEW_S", 3600.0)
    monkeypatch.setattr(fence, "FENCE_S", 3600.0)
    call = await ringing(acme, provided)
    async with working() as one:
        await attached(hot, call, one)
        listening = "select 1 from pg_stat_activity where query ilike 'select pg_advisory_lock%' and state = 'idle'"
        await until(lambda: as_owner(committed_db, listening))

        def ask():
            with tenant_scope(acme.id):
                commands.request(call=call.code, verb="inform", text="She is a VIP.", key="k", by=sam.actor)

        await asyncio.to_thread(run_and_close, ask)
        await until(lambda: provided.heard)
        assert "VIP" in str(provided.heard[0])
        await until(lambda: within(acme, lambda: Command.objects.get().state == "sent"))


def run_and_close(work):
    try:
        work()
    finally:
        connections.close_all()


async def test_a_command_that_nobody_was_told_of_is_claimed_with_the_renewal(acme, provided, hot):
    call = await ringing(acme, provided)
    async with working() as one:
        await attached(hot, call, one)
        await within(acme, lambda: factories.make_command(call, text="Quietly."))
        await until(lambda: provided.heard)
    assert "Quietly." in str(provided.heard[0])


async def test_a_command_of_another_version_is_refused_and_the_next_one_is_carried_out(acme, provided, hot):
    call = await ringing(acme, provided)
    async with working() as one:
        await attached(hot, call, one)

        def ask():
            with transaction.atomic():
                factories.make_command(call, verb="juggle")
                factories.make_command(call, text="Still heard.")

        await within(acme, ask)
        await until(lambda: provided.heard)
        await until(lambda: within(acme, lambda: Command.objects.get(verb="juggle").state == "refused"))
    assert "Still heard." in str(provided.heard[0])


@pytest.mark.parametrize(("state", "end"), [("ringing", "missed"), ("active", "lost")])
async def test_a_call_whose_account_has_no_usable_address_is_not_tried_for_ever(acme, provided, hot, state, end):
    call = await ringing(acme, provided, state=state)

    def spoil():
        account = Call.objects.get(pk=call.pk).account
        account.base_url = "ftp://nowhere"
        account.save()

    await within(acme, spoil)
    async with working():
        await until(lambda: ended(hot, call, end))


async def ended(hot, call, state):
    return (await call_row(hot, call))[:3] == (state, "closed", None)


async def test_one_call_that_cannot_be_read_costs_the_others_nothing(acme, provided, hot, caplog):
    broken, fine = await ringing(acme, provided), await ringing(acme, provided)

    def spoil():
        account = Call.objects.get(pk=broken.pk).account
        account.api_key_sealed = b"nonsense"
        account.save()

    await within(acme, spoil)
    async with working() as one:
        await attached(hot, fine, one)
        await until(lambda: "attending a call failed" in caplog.text)
    assert provided.count("accept") == 1
