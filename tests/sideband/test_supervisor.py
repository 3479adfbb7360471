"""A worker process and its calls: take, renew, hear commands, hand over, and never two owners of one call."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
import pytest_asyncio
from django.db import connections, transaction
from django.utils import timezone
from psycopg_pool import PoolTimeout

from calls.actions import commands, leases
from calls.domain.changes import NoteAdded
from calls.models import Call, CallEvent, Command, Gap, Turn
from calls.sideband import backoff, fence, inheritance, loop, peers, supervisor, writer
from calls.sideband.supervisor import Supervisor
from calls.tenancy import tenant_scope
from tests import factories
from tests.live.page import everything_closed
from tests.sideband.desk import as_owner, at, connected, fetch, until, within
from tests.sideband.provider import CUT, provider

pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def hurry(monkeypatch, settings):
    settings.CALLS = {**settings.CALLS, "flush_ms": 10, "slots": 50}
    monkeypatch.setattr(supervisor, "SWEEP_S", 0.05)
    monkeypatch.setattr(supervisor, "LISTEN_RETRY_S", 0.05)
    monkeypatch.setattr(supervisor, "CALM_S", 0.3)
    monkeypatch.setattr(leases, "RENEW_S", 0.05)
    monkeypatch.setattr(backoff, "SETUP_S", (0.001,))


@pytest_asyncio.fixture
async def provided(committed_db):
    async with provider() as served:
        yield served
    await everything_closed()


@pytest_asyncio.fixture
async def hot(provided):
    async with connected() as connection:
        yield connection


@asynccontextmanager
async def working():
    one = Supervisor()
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        one.stop()
        await asyncio.wait_for(task, 30)


async def ringing(tenant, served, **fields):
    def make():
        agent = factories.make_agent(tenant)
        account = factories.make_account(tenant, base_url=served.url)
        given = {"state": "ringing", "started_at": timezone.now(), "agent": agent, **fields}
        return factories.make_call(tenant, account=account, **given)

    return await within(tenant, make)


async def call_row(hot, call):
    [row] = await fetch(hot, "select state, attachment, owner, epoch from calls_call where id = %s", call.pk)
    return row


async def attached(hot, call, owner=None):
    async def is_attached():
        state, attachment, holder, _ = await call_row(hot, call)
        return (state, attachment) == ("active", "attached") and (owner is None or holder == owner.owner)

    await until(is_attached)


async def says(served, text, item_id="item_1"):
    item = {"id": item_id, "type": "message", "role": "user", "status": "completed"}
    item["content"] = [{"type": "input_text", "text": text}]
    await served.say("conversation.item.done", item=item, previous_item_id=None)


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
    provided.will("accept", CUT)
    provided.will("dial", CUT)
    async with working() as one:
        call = await ringing(acme, provided)
        await until(lambda: fetch(hot, "select 1 from calls_call where owner is null and epoch = 1"))
        provided.will("accept", 200)
        provided.will("dial", 200)
        async with working() as two:
            await attached(hot, call)
            [(owner, epoch)] = await fetch(hot, "select owner, epoch from calls_call")
            assert epoch >= 2
            assert owner in {one.owner, two.owner}


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


async def test_that_a_call_changes_hands_too_often_stands_in_its_transcript(acme, provided, hot):
    fields = {"takeovers": leases.CROWDED_TAKEOVERS, "epoch": 9, "taken_at": timezone.now() - timedelta(seconds=40)}
    call = await ringing(acme, provided, **fields)
    async with working():
        await attached(hot, call)
        await until(lambda: within(acme, lambda: CallEvent.objects.filter(kind="note").exists()))
    body = await within(acme, lambda: CallEvent.objects.get(kind="note").body)
    assert (body["kind"], body["body"]["kind"]) == ("oddity", "changes hands")


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
