"""The numbered log for writers with the ORM: dense numbers, told after the commit and never instead of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time

import pytest
from channels.layers import get_channel_layer
from django.db import connections, transaction

from calls import feed
from calls.models import Call, CallEvent, TenantEvent, TenantStream
from calls.selectors import live
from calls.tenancy import tenant_scope
from tests import factories


@pytest.fixture
def published(monkeypatch):
    sent = []
    monkeypatch.setattr(feed, "publish", lambda group, message: sent.append((group, message)))
    return sent


@pytest.fixture
def call(acme):
    return factories.make_call(acme, from_number="+4930901820", state="ringing")


def test_groups_are_apart_by_kind_and_by_id(acme, globex, call):
    groups = {
        feed.tenant_group(acme.id),
        feed.tenant_group(globex.id),
        feed.call_group(call.code),
        feed.call_group(acme.id),
    }
    assert len(groups) == 4
    assert feed.tenant_group(str(acme.id)) == feed.tenant_group(acme.id)
    assert all(len(group) < 100 and group.replace(".", "").isalnum() for group in groups)


def test_an_opened_call_is_told_in_both_streams_as_its_row(acme, call, published, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), tenant_scope(acme.id):
        feed.call_opened(call)
    with tenant_scope(acme.id):
        [of_call], [of_tenant] = CallEvent.objects.all(), TenantEvent.objects.all()
        row = live.row_body(Call.objects.get(), reveal=True)
    assert (of_call.seq, of_tenant.seq) == (1, 1)
    assert of_call.body == of_tenant.body
    assert {name: of_call.body[name] for name in row if name != "answered_at"} == {
        name: row[name] for name in row if name != "answered_at"
    }
    assert [group for group, _ in published] == [feed.call_group(call.code), feed.tenant_group(acme.id)]
    assert {message["private"] for _, message in published} == {True}


def test_an_announcement_says_which_numbers_it_holds(acme, call, published, django_capture_on_commit_callbacks):
    for bodies in (["a"], ["b", "c"]):
        with django_capture_on_commit_callbacks(execute=True), tenant_scope(acme.id):
            feed.append_to_call(call, [("note", {"n": body}) for body in bodies])
            assert published == [] or bodies == ["b", "c"]
    first, second = [message for _, message in published]
    assert (first["first"], first["last"], second["first"], second["last"]) == (1, 1, 2, 3)
    frame = json.loads(second["frame"])
    assert (frame["type"], frame["stream"]) == ("events", f"call:{call.code}")
    with tenant_scope(acme.id):
        assert frame["epoch"] == second["epoch"] == str(TenantStream.objects.get().epoch)
        kept = list(CallEvent.objects.filter(seq__gt=1).order_by("seq"))
    assert frame["entries"] == [live.entry_body(event) for event in kept]


def test_a_rollback_announces_nothing_and_leaves_no_hole(committed_db, acme, call, published):
    def write(*, fails):
        with tenant_scope(acme.id):
            feed.append_to_call(call, [("note", {})])
            feed.append_to_tenant([("call", {"code": "x"})])
            if fails:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        write(fails=True)
    assert published == []
    write(fails=False)
    assert [message["first"] for _, message in published] == [1, 1]


def test_nothing_is_told_before_the_outermost_commit(committed_db, acme, call, published):
    with transaction.atomic():
        with tenant_scope(acme.id):
            feed.append_to_call(call, [("note", {})])
        assert published == []
    assert len(published) == 1


def test_numbers_are_dense_with_many_writers(committed_db, acme, call, published):
    start = threading.Barrier(6)

    def write():
        try:
            start.wait()
            for _ in range(5):
                with tenant_scope(acme.id):
                    feed.append_to_call(Call.objects.get(), [("note", {}), ("note", {})])
                    feed.append_to_tenant([("call", {"code": "x"})])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with tenant_scope(acme.id):
        assert sorted(CallEvent.objects.values_list("seq", flat=True)) == list(range(1, 61))
        assert sorted(TenantEvent.objects.values_list("seq", flat=True)) == list(range(1, 31))
    told = sorted(seq for _, message in published for seq in range(message["first"], message["last"] + 1))
    assert told == sorted([*range(1, 61), *range(1, 31)])


def test_a_tenants_entries_are_in_its_own_stream(acme, globex, call, published, django_capture_on_commit_callbacks):
    for tenant in (acme, acme, globex):
        with django_capture_on_commit_callbacks(execute=True), tenant_scope(tenant.id):
            feed.append_to_tenant([("call", {"code": "x"})])
    assert [(group, message["first"]) for group, message in published] == [
        (feed.tenant_group(acme.id), 1), (feed.tenant_group(acme.id), 2), (feed.tenant_group(globex.id), 1),
    ]  # fmt: skip


def test_what_is_published_crosses_redis(redis_url):
    async def listen():
        layer = get_channel_layer()
        channel = await layer.new_channel()
        await layer.group_add("t.test", channel)
        await asyncio.to_thread(feed.publish, "t.test", {"type": "x", "n": 1})
        message = await asyncio.wait_for(layer.receive(channel), 5)
        await layer.flush()
        return message

    assert asyncio.run(listen())["n"] == 1


class Layer:
    """A Redis that fails, hangs or takes what it is given."""

    def __init__(self):
        self.sent = []
        self.asked = 0
        self.mood = "well"

    async def group_send(self, group, message):
        self.asked += 1
        while self.mood == "held":  # noqa: ASYNC110  another thread changes it
            await asyncio.sleep(0.001)
        if self.mood == "hanging":
            await asyncio.Event().wait()
        if self.mood == "failing":
            raise ConnectionError
        self.sent.append(message["n"])


@pytest.fixture
def layer(monkeypatch):
    layer = Layer()
    monkeypatch.setattr(feed, "get_channel_layer", lambda: layer)
    monkeypatch.setattr(feed, "SEND_LIMIT_S", 0.02)
    return layer


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("mood", ["failing", "hanging"])
def test_a_redis_that_is_away_delays_nobody_and_is_tried_again(layer, mood, caplog):
    layer.mood = mood
    for number in range(3):
        feed.publish("g", {"n": number})
    wait_for(lambda: layer.asked == 3 and "announcements are lost" in caplog.text)
    layer.mood = "well"
    feed.publish("g", {"n": 9})
    wait_for(lambda: layer.sent == [9])
    assert caplog.text.count("announcements are lost") == 1


def test_the_oldest_announcement_goes_when_too_many_wait(layer, monkeypatch):
    publisher = feed._Publisher.of_this_process()
    monkeypatch.setattr(publisher.waiting, "maxsize", 3)
    layer.mood = "held"
    monkeypatch.setattr(feed, "SEND_LIMIT_S", 30.0)
    feed.publish("g", {"n": -1})
    wait_for(lambda: layer.asked == 1)
    for number in range(6):
        feed.publish("g", {"n": number})
    layer.mood = "well"
    wait_for(lambda: layer.sent[-1:] == [5])
    assert layer.sent == [-1, 3, 4, 5]


PROCESS = """
import time, django
django.setup()
from calls import feed
feed.publish("g", {"type": "x"})
while not feed._Publisher.of_this_process().waiting.empty():
    time.sleep(0.01)
time.sleep(0.3)  # the first one is sent, the thread waits for the next
print("published", flush=True)
"""


def test_a_process_that_published_can_end(redis_url):
    """A thread that waits for the next announcement must not hold its exit up."""
    done = subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "published\n"), done.stderr
