"""What a new owner of a call starts from."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio
from django.utils import timezone

from calls.actions import leases
from calls.domain.states import Attachment, CallState
from calls.models import Command, TenantStream
from calls.models import Turn as TurnRow
from calls.selectors.sideband import briefing
from tests import factories
from tests.factories import NOON
from tests.sideband.desk import Pen, at, connected, run_out, turn, within

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def hot(committed_db):
    async with connected() as connection:
        yield connection


async def briefed(hot, call):
    [lease] = await leases.take(hot, uuid4(), limit=1, calls=[call.pk])
    return await briefing(hot, lease.call, lease.epoch)


async def test_calls_of_one_version_share_its_instructions(hot, acme):
    def make():
        account, agent = factories.make_account(acme), factories.make_agent(acme, instructions="Be kind. " * 100)
        return [factories.make_call(acme, account=account, agent=agent, state="ringing") for _ in range(2)]

    one, other = await within(acme, make)
    assert (await briefed(hot, one)).instructions is (await briefed(hot, other)).instructions


async def test_a_first_owner_knows_where_the_call_is_and_how_it_is_to_be_led(hot, acme):
    def make():
        account = factories.make_account(acme, base_url="https://api.example/v1", api_key="sk-secret", kind="azure")
        agent = factories.make_agent(acme, greeting="Hello!", settings={"speed": 1.1}, instructions="Be kind.")
        return factories.make_call(acme, account=account, agent=agent, state="ringing")

    call = await within(acme, make)
    found = await briefed(hot, call)
    assert (found.id, found.code, found.tenant_id, found.call_id) == (call.pk, call.code, acme.id, call.call_id)
    assert (found.account.base_url, found.account.api_key, found.account.kind) == (
        "https://api.example/v1", "sk-secret", "azure",
    )  # fmt: skip
    assert "sk-secret" not in repr(found)
    assert (found.has_agent, found.model, found.voice, found.greeting) == (True, "gpt-realtime", "marin", "Hello!")
    assert (found.instructions, found.settings) == ("Be kind.", {"speed": 1.1})
    assert (found.state, found.attachment) == (CallState.RINGING, Attachment.DETACHED)
    assert (found.started_at, found.answered_at, found.last_event_at, found.deadline) == (NOON, None, None, None)
    assert found.stream_epoch == await within(acme, lambda: str(TenantStream.objects.get().epoch))


async def test_the_call_keeps_the_version_that_it_began_with(hot, acme):
    agent = await within(acme, lambda: factories.make_agent(acme, instructions="Old."))
    call = await within(acme, lambda: factories.make_call(acme, agent=agent))
    await within(acme, lambda: factories.make_version(agent, "New."))
    assert (await briefed(hot, call)).instructions == "Old."


async def test_a_call_without_an_agent_has_nothing_to_say(hot, acme):
    call = await within(acme, lambda: factories.make_call(acme))
    found = await briefed(hot, call)
    assert (found.has_agent, found.model, found.instructions, found.settings) == (False, "", "", {})


async def test_a_next_owner_knows_the_turns_exactly_as_they_were_told(hot, acme, committed_db):
    call = await within(acme, lambda: factories.make_call(acme))
    pen = await Pen.of(hot, call)
    told = [
        turn("item_2", "Of course", rank=2.0, speaker="agent", status="cut_off", heard_text="Of", heard_ms=90,
             steps=((0, 2), (100, 9)), response_id="resp_1", reply_ms=480, ended_at=at(9)),
        turn("item_1", "Hello.", rank=1.0, transcription="pending", command_id=uuid4()),
    ]  # fmt: skip
    await pen.write(*told)
    run_out(committed_db)
    found = await briefed(hot, call)
    assert found.turns == [told[1].turn, told[0].turn]
    assert await within(acme, TurnRow.objects.count) == 2


async def test_a_next_owner_knows_what_was_claimed_and_not_settled(hot, acme, committed_db):
    call = await within(acme, lambda: factories.make_call(acme))
    [lease] = await leases.take(hot, uuid4(), limit=1)
    states = ["requested", "claimed", "sent", "confirmed", "refused", "not_confirmed", "expired", "cancelled"]

    def make():
        for place, state in enumerate(states):
            factories.make_command(call, text=state, state=state, epoch=lease.epoch, claimed_at=at(place))
        factories.make_command(call, text="mine", state="claimed", epoch=lease.epoch + 1, claimed_at=at(9))

    await within(acme, make)
    run_out(committed_db)
    found = await briefed(hot, call)
    assert [(row.text, row.state, row.claimed_at) for row in found.commands] == [
        ("claimed", "claimed", at(1)), ("sent", "sent", at(2)),
    ]  # fmt: skip
    assert await within(acme, Command.objects.count) == 9


async def test_a_first_owner_finds_nothing_that_an_earlier_one_left(hot, acme):
    """Two reads less for the many calls that have one owner only."""
    call = await within(acme, lambda: factories.make_call(acme))
    await within(acme, lambda: factories.make_turn(call))
    found = await briefed(hot, call)
    assert (found.turns, found.commands) == ([], [])


async def test_a_next_owner_knows_the_cap_of_the_session(hot, acme, committed_db):
    deadline = NOON + timedelta(hours=1)
    call = await within(acme, lambda: factories.make_call(acme, deadline=deadline, last_event_at=at(7)))
    found = await briefed(hot, call)
    assert (found.deadline, found.last_event_at, found.answered_at) == (deadline, at(7), at(1))


async def test_how_old_a_call_is_told_by_the_databases_clock(acme, hot):
    call = await within(acme, lambda: factories.make_call(acme, started_at=timezone.now() - timedelta(hours=2)))
    assert timedelta(hours=2) <= (await briefed(hot, call)).age < timedelta(hours=2, minutes=1)
