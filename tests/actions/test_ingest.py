"""The hot path: fenced, numbered without holes, stored once, and told only after it is true."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async
from django.db import connection as app_connection

from calls import feed
from calls.actions import ingest, leases
from calls.actions.ingest import Batch, store
from calls.domain.changes import (
    AttachmentChanged,
    CallStateChanged,
    GapRecorded,
    NoteAdded,
    RateLimitsChanged,
    SessionChanged,
    Signs,
    SignsChanged,
)
from calls.domain.states import Attachment, CallState, CommandState, EndReason
from calls.models import CallEvent, Command, Gap, TenantEvent, TokenUsage, Turn
from tests import factories
from tests.sideband.desk import Pen, as_owner, at, command, connected, fetch, hold, run_out, turn, usage, within

pytestmark = pytest.mark.asyncio

ACTIVE = CallStateChanged(CallState.ACTIVE, at(1))
ENDED = CallStateChanged(CallState.ENDED, at(9), EndReason.REMOTE_HANG_UP, "gone")


@pytest_asyncio.fixture
async def hot(committed_db):
    async with connected() as connection:
        yield connection


@pytest.fixture
def call(committed_db, acme):
    return factories.make_call(acme, answered_at=None)


@pytest_asyncio.fixture
async def pen(hot, call):
    return await Pen.of(hot, call)


async def numbers(hot, call):
    return [
        row[0] for row in await fetch(hot, "select seq from calls_callevent where call_id = %s order by 1", call.pk)
    ]


async def test_a_stale_epoch_stores_nothing_and_does_not_spoil_the_others(hot, acme, call, committed_db):
    other = await within(acme, lambda: factories.make_call(acme))
    stale = await Pen.of(hot, call)
    fine = await hold(hot, other, stale.owner)
    run_out(committed_db)
    assert await leases.renew(hot, stale.owner, [leases.Lease(other.pk, fine.epoch)]) == {other.pk}
    await hold(hot, call, uuid4())

    everything = [turn(), usage(), GapRecorded(at(1), at(2), "socket_closed"), NoteAdded("keypad", at(1), {}), ACTIVE]
    stored = await store(
        hot, stale.owner, [Batch(stale.ref, everything, {"last_words": "stale"}), Batch(fine, [turn()], {})]
    )
    assert stored.fenced == {call.pk}
    assert [message["stream"] for _, message in stored.announcements] == [f"call:{other.code}"]
    assert await numbers(hot, call) == []
    assert await numbers(hot, other) == [1]
    assert await fetch(hot, "select call_id from calls_turn") == [(other.pk,)]
    assert await fetch(hot, "select 1 from calls_tokenusage union all select 1 from calls_gap") == []
    assert await fetch(hot, "select last_words, last_seq from calls_call where id = %s", call.pk) == [("", 0)]
    assert not stale.ref.answered


async def test_another_process_under_the_right_epoch_is_fenced_too(hot, pen):
    stored = await store(hot, uuid4(), [Batch(pen.ref, [turn()], {})])
    assert stored.fenced == {pen.ref.id}
    assert await fetch(hot, "select 1 from calls_turn") == []


async def test_numbers_have_no_holes_with_many_writers(hot, acme, globex, committed_db):
    """Eight workers in two tenants, each with calls of its own: dense per call and per tenant, in both tables."""

    async def worker(tenant):
        calls = [await within(tenant, lambda: factories.make_call(tenant)) for _ in range(2)]
        async with connected() as connection:
            owner = uuid4()
            refs = [await hold(connection, call, owner) for call in calls]
            for place in range(6):
                attachment = Attachment.REATTACHING if place % 2 else Attachment.ATTACHED
                changes = [AttachmentChanged(attachment, at(place)), turn(f"item_{place}"), usage(f"resp_{place}")]
                await store(connection, owner, [Batch(ref, changes) for ref in refs])

    await asyncio.gather(*(worker(tenant) for tenant in (acme, globex) for _ in range(4)))
    dense = "select {0}, min(seq), max(seq), count(*), count(distinct seq) from {1} group by 1"
    assert {row[1:] for row in await fetch(hot, dense.format("call_id", "calls_callevent"))} == {(1, 18, 18, 18)}
    assert {row[1:] for row in await fetch(hot, dense.format("tenant_id", "calls_tenantevent"))} == {(1, 48, 48, 48)}
    assert await fetch(hot, "select distinct last_seq from calls_call") == [(18,)]
    assert await fetch(hot, "select distinct last_seq from calls_tenantstream") == [(48,)]


async def test_announcements_carry_the_numbers_that_were_stored(hot, acme, pen, call):
    await pen.write(turn("item_0"))
    stored = await pen.write(turn("item_1"), AttachmentChanged(Attachment.ATTACHED, at(1)))
    of_call, of_tenant = [message for _, message in stored.announcements]
    assert (of_call["first"], of_call["last"], of_call["private"]) == (2, 3, False)
    assert (of_tenant["stream"], of_tenant["first"], of_tenant["last"]) == ("tenant", 1, 1)
    told = json.loads(of_call["frame"])
    kept = await within(acme, lambda: list(CallEvent.objects.filter(seq__gt=1).order_by("seq")))
    assert [(row["seq"], row["kind"], row["body"]) for row in told["entries"]] == [
        (row.seq, row.kind, row.body) for row in kept
    ]
    [coarse] = await within(acme, lambda: list(TenantEvent.objects.all()))
    assert coarse.body == {"code": str(call.code), "attachment": "attached"}


async def test_what_nobody_follows_is_stored_and_not_announced(hot, acme, call):
    other = await within(acme, lambda: factories.make_call(acme))
    owner = uuid4()
    refs = [await hold(hot, one, owner) for one in (call, other)]
    asked = []

    def follows(group):
        asked.append((group, refs[0].seq))
        return group == feed.call_group(other.code)

    attached = AttachmentChanged(Attachment.ATTACHED, at(1))
    batches = [Batch(ref, [turn(), attached], {}) for ref in refs]
    stored = await store(hot, owner, [*batches, Batch(replace(refs[0], id=0), [], {})], follows=follows)
    assert [group for group, _ in stored.announcements] == [feed.call_group(other.code), feed.tenant_group(acme.id)]
    assert [await numbers(hot, one) for one in (call, other)] == [[1, 2], [1, 2]]
    # Who follows from now on is told how far it goes, so the number is known before anybody is asked who follows.
    assert asked == [(feed.call_group(one.code), 2) for one in (call, other)]


async def test_the_same_batch_twice_is_one_set_of_rows(hot, acme, pen):
    """The connection may break after the commit and before we heard of it."""
    batch = [ACTIVE, turn(), turn("item_2"), usage(), usage("resp_2", complete=False), GapRecorded(at(4), at(6), "x")]

    def rows():
        return [list(model.objects.order_by("pk").values()) for model in (Turn, TokenUsage, Gap)]

    await pen.write(*batch)
    before = await within(acme, rows)
    pen.ref.answered = False
    await pen.write(*batch)
    assert await within(acme, rows) == before
    assert [len(kind) for kind in before] == [2, 2, 1]
    assert await pen.column("answered_at") == at(1)


async def test_a_turn_is_kept_in_its_latest_shape(hot, acme, pen):
    await pen.write(turn(text="Hel", status="open"), turn(text="Hello", status="open"))
    await pen.write(turn(text="Hello there.", status="cut_off", heard_text="Hello", heard_ms=300, ended_at=at(4)))
    [row] = await within(acme, lambda: list(Turn.objects.all()))
    assert (row.text, row.status, row.heard_text, row.heard_ms, row.ended_at) == (
        "Hello there.", "cut_off", "Hello", 300, at(4),
    )  # fmt: skip
    assert await within(acme, lambda: [event.body["text"] for event in CallEvent.objects.order_by("seq")]) == [
        "Hel", "Hello", "Hello there.",
    ]  # fmt: skip


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("first", [True, False])
async def test_figures_complete_a_bill_and_are_never_taken_back(hot, acme, pen, together, first):
    changes = [usage(complete=first), usage(complete=not first)]
    if together:
        await pen.write(*changes)
    else:
        for change in changes:
            await pen.write(change)
    [row] = await within(acme, lambda: list(TokenUsage.objects.all()))
    assert (row.complete, row.total, row.output_audio) == (True, 100, 90)


async def test_a_bill_without_figures_marks_the_call_and_says_so(hot, acme, pen):
    await pen.write(usage(complete=False), usage("resp_2", complete=False))
    assert await pen.column("usage_incomplete") is True
    said = await within(acme, lambda: [event.body for event in CallEvent.objects.filter(kind="call")])
    assert said == [{"usage_incomplete": True}]
    await pen.write(turn())
    assert await pen.column("usage_incomplete") is True


async def test_a_gap_marks_the_call_as_one_whose_bills_may_be_missing(hot, acme, pen):
    """A reply that began and ended unheard leaves no trace."""
    await pen.write(GapRecorded(at(4), at(6), "owner_lost"))
    assert await pen.column("usage_incomplete") is True
    said = await within(acme, lambda: [event.body for event in CallEvent.objects.filter(kind="call")])
    assert said == [{"usage_incomplete": True}]


async def test_a_later_end_of_the_same_gap_replaces_the_earlier(hot, acme, pen):
    """The next owner died too before it heard a frame: the gap goes on from where it began."""
    await pen.write(GapRecorded(at(4), at(6), "owner_lost"), GapRecorded(at(4), at(7), "owner_lost"))
    await pen.write(GapRecorded(at(4), at(20), "owner_lost"))
    [gap] = await within(acme, lambda: list(Gap.objects.all()))
    assert (gap.started_at, gap.ended_at) == (at(4), at(20))


async def test_an_ended_call_gives_its_lease_back(hot, pen):
    await pen.write(turn(), ENDED)
    row = await fetch(hot, "select state, end_reason, detail, ended_at, owner, lease_expires from calls_call")
    assert row == [("ended", "remote_hang_up", "gone", at(9), None, None)]
    assert (await pen.write(turn("item_late"))).fenced == {pen.ref.id}
    assert await leases.take(hot, uuid4(), limit=5) == []


async def test_a_call_is_answered_once(hot, acme, pen):
    await pen.write(ACTIVE)
    assert pen.ref.answered
    await pen.write(CallStateChanged(CallState.TRANSFERRING, at(5)), CallStateChanged(CallState.ACTIVE, at(6)))
    assert await pen.column("answered_at") == at(1)
    bodies = await within(acme, lambda: [event.body for event in CallEvent.objects.order_by("seq")])
    assert bodies == [
        {"state": "active", "answered_at": "2026-11-20T12:00:01.000Z"}, {"state": "transferring"}, {"state": "active"},
    ]  # fmt: skip


async def test_columns_alone_make_no_entries_and_announce_nothing(hot, pen, call):
    stored = await pen.write(
        floor="speaking", last_words="Yes.", last_speaker="caller", reply_ms=480, last_event_at=at(5), oddities=2
    )
    assert stored.announcements == []
    assert await numbers(hot, call) == []
    row = "select floor, last_words, last_speaker, reply_ms, last_event_at, oddities, last_seq from calls_call"
    assert await fetch(hot, row) == [("speaking", "Yes.", "caller", 480, at(5), 2, 0)]
    await pen.write(last_event_at=at(4), oddities=1)
    assert await fetch(hot, row) == [("speaking", "Yes.", "caller", 480, at(5), 3, 0)]


async def test_the_session_is_a_column_and_told_to_the_calls_page_and_rate_limits_to_nobody(hot, pen, call):
    session = {"model": "gpt-realtime", "audio": {"output": {"voice": "marin"}}}
    stored = await pen.write(
        SessionChanged(session, at(1), at(3600)), RateLimitsChanged({"tokens": {"remaining": 9}}, at(2))
    )
    [(group, message)] = stored.announcements
    assert group == feed.call_group(call.code)
    [entry] = json.loads(message["frame"])["entries"]
    assert (entry["kind"], entry["body"]["voice"]) == ("session", "marin")
    assert await fetch(hot, "select session, rate_limits, deadline from calls_call") == [
        (session, {"tokens": {"remaining": 9}}, at(3600))
    ]


async def test_signs_are_columns_and_told_to_every_screen(hot, acme, pen, call):
    seen = Signs(interruptions=2, interrupted_at=at(3), tool_failed_at=at(4))
    stored = await pen.write(SignsChanged(seen, at(4)))
    assert await pen.column("interruptions") == 2
    assert await pen.column("tool_failed_at") == at(4)
    assert {group for group, _ in stored.announcements} == {feed.call_group(call.code), feed.tenant_group(acme.id)}
    await pen.write(SignsChanged(Signs(interruptions=2, interrupted_at=at(3)), at(5)))
    assert await pen.column("tool_failed_at") is None, "a tool worked: that is a value, too"
    await pen.write(turn())
    assert (await pen.column("interruptions"), await pen.column("interrupted_at")) == (2, at(3))


async def test_quiet_begins_and_ends_without_an_entry(hot, pen, call):
    await pen.write(quiet=True, quiet_since=at(5))
    assert await pen.column("quiet_since") == at(5)
    await pen.write(floor="listening")
    assert await pen.column("quiet_since") == at(5)
    await pen.write(quiet=False, quiet_since=None)
    assert await pen.column("quiet_since") is None
    assert await numbers(hot, call) == []


async def test_a_command_goes_its_way_in_one_batch(hot, acme, pen, call):
    asked = await within(acme, lambda: factories.make_command(call, state="claimed"))
    await pen.write(
        command(asked.pk, "claimed", 1), command(asked.pk, "sent", 2),
        command(asked.pk, "confirmed", 3, detail="response.done", after_item_id="item_1"),
    )  # fmt: skip
    row = await within(acme, Command.objects.get)
    assert (row.state, row.claimed_at, row.sent_at, row.settled_at) == ("confirmed", at(1), at(2), at(3))
    assert (row.detail, row.after_item_id) == ("response.done", "item_1")


SETTLED = ["confirmed", "refused", "not_confirmed", "expired", "cancelled"]


@pytest.mark.parametrize("settled", SETTLED)
async def test_a_settled_command_stays_settled(hot, acme, pen, call, settled):
    """All but one way out: a proof that came late still confirms."""
    asked = await within(acme, lambda: factories.make_command(call, state=settled, settled_at=at(1)))
    for state in CommandState:
        if state not in {CommandState.REQUESTED, CommandState.CONFIRMED}:
            await pen.write(command(asked.pk, state.value, 8))
            row = await within(acme, Command.objects.get)
            assert (row.state, row.settled_at) == (settled, at(1)), state
    await pen.write(command(asked.pk, "confirmed", 9))
    row = await within(acme, Command.objects.get)
    assert row.state == ("confirmed" if settled in {"confirmed", "not_confirmed"} else settled)


TEXTS = {
    "emoji": "👩‍👩‍👧‍👦 Ünïcödé 漢字 \u202e",
    "quotes and backslashes": """it's "quoted" \\ \\u0041 \\" $1 %s {} \t\r\n \x7f""",
    "json in json": json.dumps({"a": [1, "\\", None]}),
    "very long": "äöü😀" * 50_000,
    "nothing": "",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
async def test_every_text_comes_back_as_it_went_in(hot, acme, pen, text):
    note = NoteAdded("provider_error", at(2), {"message": text, text[:100]: [text[:10], None, 1.5]})
    await pen.write(turn(text=text, heard_text=text, arguments=text, output=text, steps=((0, 1), (100, 2))), note)
    [row] = await within(acme, lambda: list(Turn.objects.all()))
    assert row.text == row.heard_text == row.arguments == row.output == text
    assert row.steps == [[0, 1], [100, 2]]
    told, noted = await within(acme, lambda: list(CallEvent.objects.order_by("seq")))
    assert told.body["text"] == text
    assert noted.body["body"] == dict(note.body)


async def test_none_stays_none(hot, acme, pen):
    await pen.write(turn(heard_text=None, heard_ms=None, transcription=None, ended_at=None, command_id=None))
    [row] = await within(acme, lambda: list(Turn.objects.all()))
    assert {row.heard_text, row.heard_ms, row.transcription, row.ended_at, row.command_id} == {None}


async def test_times_keep_their_microseconds(hot, acme, pen):
    exact = at(2) + timedelta(microseconds=123_456)
    await pen.write(turn(started_at=exact))
    assert await within(acme, lambda: Turn.objects.get().started_at) == exact


async def test_billed_seconds_are_the_same_in_the_table_and_on_the_screen(hot, acme, pen):
    heard = usage("item_1")
    await pen.write(type(heard)("transcription", "item_1", at(4), "whisper-1", None, 12.34567, complete=True))
    row = await within(acme, TokenUsage.objects.get)
    told = await within(acme, CallEvent.objects.get)
    assert float(row.seconds) == told.body["seconds"] == 12.346


async def test_nothing_at_all_is_stored_without_complaint(hot, pen):
    assert (await store(hot, pen.owner, [])).announcements == []
    assert (await pen.write()).fenced == set()


async def test_a_refused_batch_leaves_nothing_behind(hot, acme, pen, call):
    with pytest.raises(Exception, match="value too long"):
        await pen.write(turn(), turn("i" * 300))
    assert await numbers(hot, call) == []
    assert await pen.column("last_seq") == 0
    await pen.write(turn())
    assert await numbers(hot, call) == [1]


async def test_the_application_sees_nothing_of_it_without_a_scope(hot, acme, globex, pen):
    await pen.write(turn(), usage(), GapRecorded(at(1), at(2), "x"), AttachmentChanged(Attachment.ATTACHED, at(1)))

    def counted():
        tables = ("call", "callevent", "tenantevent", "turn", "tokenusage", "gap")
        with app_connection.cursor() as cursor:
            return [cursor.execute(f"select count(*) from calls_{table}").fetchone()[0] for table in tables]

    assert await database_sync_to_async(counted)() == [0] * 6
    assert await within(globex, counted) == [0] * 6
    assert await within(acme, counted) == [1, 5, 2, 1, 1, 1]


async def test_a_flush_is_stored_once_and_the_next_owner_counts_anew(hot, acme, call, pen, committed_db):
    note = [NoteAdded("keypad", at(1), {"key": "5"})]
    other = await within(acme, lambda: factories.make_call(acme))
    theirs = await hold(hot, other, pen.owner)

    async def flush(number, *batches):
        return await store(hot, pen.owner, [Batch(ref, list(note), {}, number) for ref in batches])

    first = await flush(1, pen.ref)
    assert (first.before, first.fenced, len(first.announcements)) == (0, set(), 1)
    again = await flush(1, pen.ref, theirs)
    assert (again.before, again.fenced, len(again.announcements)) == (1, set(), 1)
    assert await numbers(hot, call) == [1]
    assert await numbers(hot, other) == [1]
    await flush(2, pen.ref)
    assert await numbers(hot, call) == [1, 2]
    run_out(committed_db)
    owner = uuid4()
    taken = await hold(hot, call, owner)
    assert (await flush(3, pen.ref)).fenced == {call.pk}
    await store(hot, owner, [Batch(taken, list(note), {}, 1)])
    assert await numbers(hot, call) == [1, 2, 3]


async def test_a_flush_that_ended_its_call_is_known_again_though_nobody_holds_it(hot, call, pen):
    for before in (0, 1):
        stored = await store(hot, pen.owner, [Batch(pen.ref, [ENDED], {}, 1)])
        assert (stored.before, stored.fenced) == (before, set())
    assert await numbers(hot, call) == [1]


async def test_who_stands_still_in_the_midst_of_storing_may_lose_the_transaction(
    hot, pen, call, monkeypatch, committed_db
):
    """A server that waits for the rest of a pipeline is not idle, whatever it has locked: no time-out ends that."""
    there, go_on, insert = asyncio.Event(), asyncio.Event(), ingest._insert

    async def stands_still(*arguments):
        there.set()
        await go_on.wait()
        await insert(*arguments)

    monkeypatch.setattr(ingest, "_insert", stands_still)
    storing = asyncio.create_task(pen.write(turn("item_1", text="Hi.")))
    await there.wait()
    state = "select state from pg_stat_activity where pid = %s"
    assert as_owner(committed_db, state, hot.info.backend_pid) == [("idle in transaction",)]
    go_on.set()
    await storing
    assert await numbers(hot, call) == [1]
