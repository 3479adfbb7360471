"""The feed from the browser's side: snapshot, then entries in order, and nothing that is another's."""

from __future__ import annotations

import asyncio
import json
from functools import partial

import pytest
from asgiref.sync import sync_to_async
from autobahn.exception import Disconnected
from channels.layers import get_channel_layer

from calls import feed
from calls.live import consumers, doors, protocol, reading
from calls.models import Call, CallEvent, Membership, TenantStream
from calls.tenancy import tenant_scope
from tests.live.page import LIMIT_S, console, hint, page, push, stream_of
from tests.sideband.desk import until, within

pytestmark = [pytest.mark.asyncio, pytest.mark.usefixtures("live")]


async def add(tenant, call, *bodies):
    """Entries that are stored and, as if Redis were away, not announced."""

    def work():
        first = Call.objects.get(pk=call.pk).last_seq + 1
        for seq, body in enumerate(bodies, first):
            CallEvent.objects.create(call=call, seq=seq, kind="call", at=call.started_at, body=body)
        Call.objects.filter(pk=call.pk).update(last_seq=first + len(bodies) - 1)

    await within(tenant, work)


def seqs(frame):
    assert frame["type"] == "events", frame
    return [entry["seq"] for entry in frame["entries"]]


async def test_hello_is_answered_by_a_snapshot(acme, sam, call):
    async with page(sam) as screen:
        told = await screen.opened("tenant")
        assert (told["type"], told["stream"], told["seq"]) == ("snapshot", "tenant", 0)
        assert [row["code"] for row in told["body"]["rows"]] == [str(call.code)]
        told = await screen.opened(stream_of(call))
        assert set(told["body"]) == {"call", "turns", "usage", "gaps", "commands", "session", "notes"}


async def test_a_snapshot_that_is_too_long_for_one_frame_comes_in_pieces(acme, sam, call, monkeypatch):
    monkeypatch.setattr(protocol, "PIECE_LIMIT", 200)
    async with page(sam) as screen:
        await screen.hello("tenant")
        pieces = [await screen.frame()]
        while pieces[-1]["left"]:
            pieces.append(await screen.frame())
        assert len(pieces) > 2
        told = json.loads("".join(piece["text"] for piece in pieces))
        assert (told["type"], [row["code"] for row in told["body"]["rows"]]) == ("snapshot", [str(call.code)])


async def test_hello_with_a_position_is_answered_from_there(acme, sam, call):
    await add(acme, call, {"a": 1}, {"a": 2}, {"a": 3})
    async with page(sam) as screen:
        epoch = (await screen.opened(stream_of(call)))["epoch"]
        await screen.hello({"stream": stream_of(call), "epoch": epoch, "seq": 1})
        told = await screen.frame()
        assert seqs(told) == [2, 3]
        assert (told["stream"], told["epoch"]) == (stream_of(call), epoch)
        await screen.hello({"stream": stream_of(call), "epoch": epoch, "seq": 3})
        assert await screen.nothing()


@pytest.mark.parametrize(
    "position", [{"seq": 99}, {"seq": -5}, {"seq": 10**30}, {"epoch": "other", "seq": 1}, {"epoch": ""}]
)
async def test_a_position_that_means_nothing_is_answered_by_a_snapshot(acme, sam, call, position):
    await add(acme, call, {"a": 1})
    async with page(sam) as screen:
        epoch = (await screen.opened(stream_of(call)))["epoch"]
        await screen.hello({"stream": stream_of(call), "epoch": epoch, "seq": 0} | position)
        assert (await screen.frame())["type"] == "snapshot"


async def test_who_is_too_far_behind_gets_a_snapshot(acme, sam, call, monkeypatch):
    monkeypatch.setattr(reading, "CATCH_UP_LIMIT", 2)
    await add(acme, call, {"a": 1}, {"a": 2}, {"a": 3})
    async with page(sam) as screen:
        epoch = (await screen.opened(stream_of(call)))["epoch"]
        await screen.hello({"stream": stream_of(call), "epoch": epoch, "seq": 0})
        assert (await screen.frame())["type"] == "snapshot"
        await screen.hello({"stream": stream_of(call), "epoch": epoch, "seq": 1})
        assert seqs(await screen.frame()) == [2, 3]


async def test_pushed_entries_come_in_order_and_each_once(acme, sam, call):
    group, stream = feed.call_group(call.code), stream_of(call)
    async with page(sam) as screen:
        epoch = (await screen.opened(stream))["epoch"]
        for numbers in ([1], [2, 3], [2, 3], [1], [4]):
            await push(group, stream, epoch, *numbers)
        assert [seqs(await screen.frame()) for _ in range(3)] == [[1], [2, 3], [4]]
        assert await screen.nothing()


async def test_a_hole_is_read_from_the_database(acme, sam, call):
    group, stream = feed.call_group(call.code), stream_of(call)
    async with page(sam) as screen:
        epoch = (await screen.opened(stream))["epoch"]
        await add(acme, call, {"a": 1}, {"a": 2}, {"a": 3})
        await push(group, stream, epoch, 3)
        told = await screen.frame()
        assert seqs(told) == [1, 2, 3]
        assert [entry["body"] for entry in told["entries"]] == [{"a": 1}, {"a": 2}, {"a": 3}]
        await push(group, stream, epoch, 2)
        await push(group, stream, epoch, 4)
        assert seqs(await screen.frame()) == [4]


async def test_an_announcement_of_another_epoch_brings_a_snapshot(acme, sam, call):
    stream = stream_of(call)
    async with page(sam) as screen:
        old = (await screen.opened(stream))["epoch"]
        await within(acme, lambda: TenantStream.objects.update(epoch=call.code))
        await push(feed.call_group(call.code), stream, str(call.code), 1)
        told = await screen.frame()
        assert (told["type"], told["epoch"]) == ("snapshot", str(call.code))
        assert told["epoch"] != old


async def test_what_the_actions_announce_arrives(acme, sam, call):
    """From the commit through the publishing thread and Redis to the screen."""
    async with page(sam) as screen:
        await screen.hello("tenant", stream_of(call))
        assert {(await screen.frame())["stream"] for _ in range(2)} == {"tenant", stream_of(call)}
        await within(acme, lambda: feed.append_to_call(call, [("note", {"kind": "keypad"})]))
        assert (await screen.frame())["entries"][0]["body"] == {"kind": "keypad"}
        await within(acme, lambda: feed.append_to_tenant([("call", {"code": "x"})]))
        assert (await screen.frame())["entries"][0]["body"] == {"code": "x"}


async def test_hints_come_without_a_number(acme, sam, call):
    async with page(sam) as screen:
        epoch = (await screen.opened(stream_of(call)))["epoch"]
        await hint(feed.call_group(call.code), stream_of(call), last_words="Yes")
        assert (await screen.frame())["hints"] == [{"kind": "row", "body": {"last_words": "Yes"}}]
        await push(feed.call_group(call.code), stream_of(call), epoch, 1)
        assert seqs(await screen.frame()) == [1]


async def test_who_begins_to_follow_says_so_and_is_told_how_far_the_stream_goes(acme, sam, call):
    """What a worker stored between our reading and its hearing of us was not announced."""
    layer = get_channel_layer()
    name = await layer.new_channel()
    await layer.group_add(feed.FOLLOWED, name)
    async with page(sam) as screen:
        epoch = (await screen.opened(stream_of(call)))["epoch"]
        async with asyncio.timeout(LIMIT_S):
            assert (await layer.receive(name))["groups"] == [feed.call_group(call.code)]
        await add(acme, call, {"a": 1}, {"a": 2})
        head = partial(feed.head_message, stream_of(call))
        group = feed.call_group(call.code)
        for message in (head(epoch, 0), head("another", 2), feed.head_message("call:another", epoch, 2)):
            await layer.group_send(group, message)
        assert await screen.nothing()
        await layer.group_send(group, head(epoch, 2))
        assert seqs(await screen.frame()) == [1, 2]
        await layer.group_send(group, head(epoch, 2))
        assert await screen.nothing()


async def test_hello_replaces_what_was_followed(acme, sam, call):
    async with page(sam) as screen:
        epoch = (await screen.opened(stream_of(call)))["epoch"]
        await screen.opened("tenant")
        await push(feed.call_group(call.code), stream_of(call), epoch, 1)
        await hint(feed.call_group(call.code), stream_of(call), floor="speaking")
        assert await screen.nothing()


async def test_a_rivals_call_and_no_call_are_answered_alike(acme, sam, rita, call):
    nowhere = "call:00000000-0000-4000-8000-000000000000"
    async with page(rita, "globex") as screen:
        for stream in (nowhere, stream_of(call)):
            for position in ({}, {"epoch": "e", "seq": 0}):
                await screen.hello({"stream": stream, **position})
                assert await screen.frame() == {"type": "gone", "stream": stream}


async def test_a_rival_hears_nothing_of_it(acme, sam, rita, call):
    with_epoch = await within(acme, lambda: str(TenantStream.objects.get().epoch))
    async with page(rita, "globex") as rival, page(sam) as screen:
        for reader in (rival, screen):
            await reader.hello("tenant", stream_of(call))
            await reader.frame()
            await reader.frame()
        for group, stream in ((feed.call_group(call.code), stream_of(call)), (feed.tenant_group(acme.id), "tenant")):
            await push(group, stream, with_epoch, 1)
            await hint(group, stream, last_words="secret")
        assert [(await screen.frame())["type"] for _ in range(4)] == ["events", "hint", "events", "hint"]
        assert await rival.nothing()


@pytest.mark.parametrize(("who", "shown"), [("adam", "+4930901820"), ("sam", "+49 •••• 1820")])
async def test_numbers_are_masked_before_they_leave(acme, adam, sam, call, who, shown):
    person = {"adam": adam, "sam": sam}[who]
    await within(acme, lambda: feed.call_opened(call))
    async with page(person) as screen:
        told = await screen.opened("tenant")
        assert told["body"]["rows"][0]["from"] == shown
        await screen.hello({"stream": "tenant", "epoch": told["epoch"], "seq": 0})
        assert (await screen.frame())["entries"][0]["body"]["from"] == shown
        await push(feed.tenant_group(acme.id), "tenant", told["epoch"], 2, private=True, **{"from": "+4930901820"})
        assert (await screen.frame())["entries"][0]["body"]["from"] == shown
        told = await screen.opened(stream_of(call))
        assert told["body"]["call"]["from"] == shown
        assert ("4930901820" in json.dumps(told)) == (who == "adam")


async def test_who_is_signed_out_is_told_so_whatever_they_say(acme):
    async with page(None) as screen:
        await screen.hello("tenant")
        assert await screen.refusal() == 4401
        await screen.hello("tenant")
        assert await screen.nothing()


async def test_a_stranger_and_a_wrong_address_get_the_same_answer(acme, rita):
    for slug in ("acme", "nowhere"):
        async with page(rita, slug) as screen:
            await screen.hello("tenant")
            assert await screen.refusal() == 4404


@pytest.mark.parametrize("text", ["{", "[" * 60_000, '{"type":"hello"}'])
async def test_a_bad_frame_closes_the_socket(acme, sam, text):
    async with page(sam) as screen:
        await screen.socket.send_to(text_data=text)
        assert await screen.refusal() == 4400


async def test_bytes_are_a_bad_frame(acme, sam):
    async with page(sam) as screen:
        await screen.socket.send_to(bytes_data=b'{"type":"ack"}')
        assert await screen.refusal() == 4400


async def test_too_many_frames_close_the_socket(acme, sam):
    async with page(sam) as screen:
        for _ in range(consumers.FRAMES_PER_S * 5):
            await screen.say(type="ack")
        assert await screen.refusal() == 4429
        assert await screen.nothing()


async def test_one_page_too_many_is_closed_and_those_that_are_open_stay(acme, sam, call, settings):
    settings.CALLS = {**settings.CALLS, "sockets_per_user": 1}
    before = doors.counters()
    async with page(sam) as first:
        assert (await first.opened("tenant"))["type"] == "snapshot"
        async with page(sam) as second:
            assert await second.refusal() == 4429
        await first.hello("tenant")
        assert (await first.frame())["type"] == "snapshot"
    async with page(sam) as third:
        await third.hello("tenant")
        assert (await third.frame())["type"] == "snapshot"
    assert doors.counters() == before | {"turned_away": before["turned_away"] + 1}


async def test_a_frame_that_is_too_large_and_too_many_streams_close_the_socket(acme, sam, call):
    async with page(sam) as screen:
        await screen.say(type="ack", more="x" * 70_000)
        assert await screen.refusal() == 4429
    async with page(sam) as screen:
        await screen.hello(*["tenant"] * 21)
        assert await screen.refusal() == 4429


async def test_two_pages_of_one_person_are_told_the_same(acme, sam, call):
    async with page(sam) as one, page(sam) as two:
        epoch = (await one.opened("tenant"))["epoch"]
        await two.opened("tenant")
        await push(feed.tenant_group(acme.id), "tenant", epoch, 1)
        assert await one.frame() == await two.frame()
        await one.hello()
        await push(feed.tenant_group(acme.id), "tenant", epoch, 2)
        assert seqs(await two.frame()) == [2]
        assert await one.nothing()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(consumers, "HEARTBEAT_S", 0.02)
    monkeypatch.setattr(consumers, "HEADS_EVERY", 1)


async def test_heartbeats_carry_the_heads_and_find_what_redis_lost(acme, sam, call, quick):
    async with page(sam) as screen:
        await screen.opened(stream_of(call))
        assert (await screen.beat())["heads"].keys() <= {stream_of(call)}
        await add(acme, call, {"a": 1}, {"a": 2})
        assert seqs(await screen.frame()) == [1, 2]
        await until(lambda: heads_reached(screen, stream_of(call), 2))


async def heads_reached(screen, stream, head):
    return (await screen.beat())["heads"].get(stream) == head


async def hint_again_and_again(call):
    while True:
        await hint(feed.call_group(call.code), stream_of(call), floor="speaking")
        await asyncio.sleep(0.02)


async def test_a_group_that_could_not_be_joined_is_joined_later(acme, sam, call, quick, monkeypatch):
    monkeypatch.setattr(feed, "SEND_LIMIT_S", 0.0)
    async with page(sam) as screen:
        epoch = (await screen.opened(stream_of(call)))["epoch"]
        monkeypatch.setattr(feed, "SEND_LIMIT_S", LIMIT_S)
        calling = asyncio.create_task(hint_again_and_again(call))
        assert (await screen.frame())["type"] == "hint"
        calling.cancel()
        assert epoch


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda who: Membership.objects.filter(user=who.user).update(role="removed"), 4403),
        (lambda who: Membership.objects.filter(user=who.user).delete(), 4403),
        (lambda who: type(who.user).objects.filter(pk=who.user.pk).update(is_active=False), 4401),
        (lambda who: who.client.logout(), 4401),
    ],
    ids=["role", "membership", "deactivated", "signed out elsewhere"],
)
async def test_who_may_not_look_any_more_is_noticed(acme, sam, call, quick, monkeypatch, change, code):
    monkeypatch.setattr(consumers, "RECHECK_S", 0.01)
    async with page(sam) as screen:
        await screen.opened("tenant")
        await screen.beat()

        def work():
            with tenant_scope(acme.id):
                change(sam)

        await sync_to_async(work)()
        assert await screen.refusal() == code


async def test_a_role_that_may_see_more_is_noticed_too(acme, sam, call, quick, monkeypatch):
    monkeypatch.setattr(consumers, "RECHECK_S", 0.01)
    await within(acme, lambda: feed.call_opened(call))
    async with page(sam) as screen:
        assert (await screen.opened("tenant"))["body"]["rows"][0]["from"] != call.from_number
        await within(acme, lambda: Membership.objects.filter(user=sam.user).update(role="admin"))
        assert (await screen.frame())["type"] == "role"
        assert (await screen.frame())["body"]["rows"][0]["from"] == call.from_number


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda who: Membership.objects.filter(user=who.user).update(role="nothing"), 4403),
        (lambda who: Membership.objects.filter(user=who.user).delete(), 4403),
        (lambda who: who.client.logout(), 4401),
    ],
    ids=["role", "membership", "signed out"],
)
async def test_a_change_that_is_announced_is_noticed_without_any_heartbeat(acme, sam, ana, call, change, code):
    async with page(sam) as screen, page(ana) as other:
        await screen.opened("tenant")
        await other.opened("tenant")

        def work():
            with tenant_scope(acme.id):
                change(sam)
            feed.access_changed(sam.user.pk)

        await sync_to_async(work)()
        assert await screen.refusal() == code
        assert await other.nothing()


async def test_a_role_that_changes_is_told_and_everything_is_shown_anew(acme, sam, call):
    await within(acme, lambda: feed.call_opened(call))
    async with page(sam) as screen:
        assert (await screen.opened("tenant"))["body"]["rows"][0]["from"] != call.from_number
        for role, steers, reveals in (("owner", True, True), ("analyst", False, False)):
            await within(acme, lambda role=role: Membership.objects.filter(user=sam.user).update(role=role))
            await sync_to_async(feed.access_changed)(sam.user.pk)
            told = await screen.frame()
            assert told == {"type": "role", "role": role, "steers": steers, "reveals": reveals}
            shown = await screen.frame()
            assert shown["type"] == "snapshot"
            assert (shown["body"]["rows"][0]["from"] == call.from_number) is reveals


async def test_a_change_that_changes_nothing_is_silent(acme, sam, call):
    async with page(sam) as screen:
        await screen.opened("tenant")
        await sync_to_async(feed.access_changed)(sam.user.pk)
        assert await screen.nothing()


async def test_who_does_not_keep_up_loses_hints_first_and_the_socket_later(acme, sam, call, quick, monkeypatch):
    monkeypatch.setattr(consumers, "UNACKED_HINTS", 3)
    group, stream = feed.call_group(call.code), stream_of(call)
    async with page(sam) as screen:
        epoch = (await screen.opened(stream))["epoch"]
        for seq in (1, 2):
            await push(group, stream, epoch, seq)
            await screen.frame()
        await hint(group, stream, floor="speaking")
        await push(group, stream, epoch, 3)
        assert seqs(await screen.frame()) == [3]
        await screen.say(type="ack")
        await screen.hello({"stream": stream, "epoch": epoch, "seq": 9})
        assert (await screen.frame())["type"] == "snapshot"
        await hint(group, stream, floor="listening")
        assert (await screen.frame())["type"] == "hint"
        monkeypatch.setattr(consumers, "UNACKED_HINTS", 1)
        monkeypatch.setattr(consumers, "UNACKED_LIMIT_S", 0.0)
        assert await screen.refusal() == 4408


async def test_a_browser_that_leaves_while_it_is_told_something_is_no_error(acme, sam, call, caplog):
    """As Daphne has it: what is sent raises, and the next thing heard is that the socket is gone."""
    async with page(sam) as screen:
        scope = screen.socket.scope
        frames = asyncio.Queue()
        for frame in (
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": json.dumps({"type": "hello", "streams": [{"stream": "tenant"}]})},
        ):
            frames.put_nowait(frame)
        told = []

        async def send(message):
            told.append(message["type"])
            if message["type"] == "websocket.send":
                frames.put_nowait({"type": "websocket.disconnect", "code": 1001})
                raise Disconnected("Attempt to send on a closed protocol")

        await asyncio.wait_for(console()(scope, frames.get, send), 10)
    assert told[:2] == ["websocket.accept", "websocket.send"]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
