"""The numbered log of calls and tenants, for those who write through the ORM; the hot path has its own statements.

Numbers are taken under the row lock of the stream inside the writer's transaction; entries are announced after the
commit and a rollback announces nothing. An announcement is a hint with content: losing it costs latency, never truth.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from channels.layers import get_channel_layer
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from calls.domain.signs import NO_SIGNS
from calls.domain.views import Body, iso, signs_body
from calls.models import Call, CallEvent, TenantEvent, TenantStream

logger = logging.getLogger(__name__)

SEND_LIMIT_S = 0.5
QUEUE_LIMIT = 1_000
"""Announcements that may wait in a process for Redis; beyond it the oldest is dropped and screens resync."""

Message = dict[str, Any]

FOLLOWED = "followed"
"""The group in which the feed says, and the workers hear, which groups a page has just begun to follow"""

_OPENED = """
with of_call as (
    update calls_call set last_seq = last_seq + 1 where id = %(call)s returning last_seq
), of_tenant as (
    update calls_tenantstream set last_seq = calls_tenantstream.last_seq + 1
    from of_call where tenant_id = %(tenant)s returning epoch, calls_tenantstream.last_seq
), told as (
    insert into calls_callevent (tenant_id, call_id, seq, kind, at, body)
    select %(tenant)s, %(call)s, last_seq, 'call', %(at)s, %(body)s from of_call
), told_to_all as (
    insert into calls_tenantevent (tenant_id, seq, kind, at, body)
    select %(tenant)s, last_seq, 'call', %(at)s, %(body)s from of_tenant
)
select of_tenant.epoch, of_call.last_seq, of_tenant.last_seq from of_call, of_tenant
"""
"""Both streams of a new call in one statement; a telephone rings meanwhile. The tenant's row, the busiest lock, is
taken last."""


def tenant_group(tenant: UUID | str) -> str:
    return f"t.{UUID(str(tenant)).hex}"


def call_group(code: UUID | str) -> str:
    return f"c.{UUID(str(code)).hex}"


def user_group(user_id: int) -> str:
    return f"u.{user_id}"


def channel(group: str) -> str:
    """Where the messages of a group pass in Redis."""
    return str(get_channel_layer()._get_group_channel_name(group))


def packed(message: Message) -> bytes:
    """A message as the channel layer reads it."""
    return bytes(get_channel_layer().serialize(message))


def access_changed(user_id: int) -> None:
    """After the commit, have every open page of a user ask again what they may see: a role or membership changed, a
    session ended. Lost with Redis; pages ask by themselves every minute.
    """
    announce(user_group(user_id), {"type": "access.changed"})


def entries_message(stream: str, epoch: str, entries: Sequence[Body], *, private: bool = False) -> Message:
    """What crosses Redis for numbered entries. `private`: holds a caller's number, to be masked by the role."""
    frame = {"type": "events", "stream": stream, "epoch": epoch, "entries": list(entries)}
    return {
        "type": "feed.entries",
        "stream": stream,
        "epoch": epoch,
        "first": entries[0]["seq"],
        "last": entries[-1]["seq"],
        "private": private,
        "frame": json_text(frame),
    }


def head_message(stream: str, epoch: str, seq: int) -> Message:
    """For somebody who has just begun to follow: so far the stream goes; what is missing is in PostgreSQL."""
    return {"type": "feed.head", "stream": stream, "epoch": epoch, "seq": seq}


def hints_message(stream: str, hints: Sequence[Body]) -> Message:
    """What crosses Redis for hints."""
    return {
        "type": "feed.hints",
        "stream": stream,
        "frame": json_text({"type": "hint", "stream": stream, "hints": hints}),
    }


def json_text(frame: Body) -> str:
    return orjson.dumps(frame).decode()


def call_opened(call: Call) -> None:
    """First entries of a new call, inside the transaction that made it."""
    body = {
        "code": str(call.code),
        "state": call.state,
        "attachment": call.attachment,
        "floor": "",
        "end_reason": call.end_reason,
        "detail": call.detail,
        "from": call.from_number,
        "to": call.to_number,
        "agent": call.agent.name if call.agent else "",
        "version": call.instruction_version.number if call.instruction_version else None,
        "started_at": iso(call.started_at),
        "answered_at": None,
        "ended_at": iso(call.ended_at),
        "last_event_at": None,
        "last_words": "",
        "last_speaker": "",
        "reply_ms": None,
        "quiet_since": None,
        **signs_body(NO_SIGNS),
        "usage_incomplete": False,
        "oddities": 0,
    }
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_OPENED, {"call": call.pk, "tenant": call.tenant_id, "at": now, "body": json_text(body)})
        epoch, of_call, of_tenant = cursor.fetchone()
    for group, stream, seq in (
        (call_group(call.code), f"call:{call.code}", of_call),
        (tenant_group(call.tenant_id), "tenant", of_tenant),
    ):
        entry = {"seq": seq, "kind": "call", "at": iso(now), "body": body}
        announce(group, entries_message(stream, str(epoch), [entry], private=True))


def append_to_call(call: Call, entries: Sequence[tuple[str, Body]], *, private: bool = False) -> None:
    """Number and store entries of a call's stream. Locks the call's row until the transaction ends."""
    Call.objects.filter(pk=call.pk).update(last_seq=F("last_seq") + len(entries))
    call.refresh_from_db(fields=["last_seq"])
    epoch = TenantStream.objects.get().epoch
    numbered = _number(entries, call.last_seq)
    CallEvent.objects.bulk_create(
        CallEvent(tenant_id=call.tenant_id, call=call, seq=row["seq"], kind=row["kind"], at=at, body=row["body"])
        for row, at in numbered
    )
    message = entries_message(f"call:{call.code}", str(epoch), [row for row, _ in numbered], private=private)
    announce(call_group(call.code), message)


def append_to_tenant(entries: Sequence[tuple[str, Body]], *, private: bool = False) -> None:
    """Number and store entries of the stream of the tenant in scope. Take it last: it is the busiest lock."""
    TenantStream.objects.update(last_seq=F("last_seq") + len(entries))
    stream = TenantStream.objects.get()
    numbered = _number(entries, stream.last_seq)
    TenantEvent.objects.bulk_create(
        TenantEvent(tenant_id=stream.tenant_id, seq=row["seq"], kind=row["kind"], at=at, body=row["body"])
        for row, at in numbered
    )
    message = entries_message("tenant", str(stream.epoch), [row for row, _ in numbered], private=private)
    announce(tenant_group(stream.tenant_id), message)


def _number(entries: Sequence[tuple[str, Body]], last: int) -> list[tuple[Body, datetime]]:
    now = timezone.now()
    first = last - len(entries) + 1
    return [
        ({"seq": first + place, "kind": kind, "at": iso(now), "body": body}, now)
        for place, (kind, body) in enumerate(entries)
    ]


def announce(group: str, message: Message) -> None:
    """Publish after the commit; a rollback announces nothing."""
    transaction.on_commit(lambda: publish(group, message))


def publish(group: str, message: Message) -> None:
    """Announce from synchronous code without ever waiting for Redis: a thread of this process sends it."""
    _Publisher.of_this_process().put(group, message)


def announcements_lost() -> int:
    """Of this process, since its start."""
    one = _Publisher._one
    return one.lost if one is not None else 0


class _Publisher:
    """One thread with one event loop per process, started at the first use (so after any fork)."""

    _one: _Publisher | None = None
    _lock = threading.Lock()

    def __init__(self) -> None:
        self.waiting: queue.Queue[tuple[str, Message]] = queue.Queue(QUEUE_LIMIT)
        self.failing = False
        self.lost = 0
        self.thread = threading.Thread(target=self._run, name="feed-publisher", daemon=True)
        self.thread.start()

    @classmethod
    def of_this_process(cls) -> _Publisher:
        with cls._lock:
            if cls._one is None or not cls._one.thread.is_alive():
                cls._one = cls()
            return cls._one

    def put(self, group: str, message: Message) -> None:
        while True:
            try:
                self.waiting.put_nowait((group, message))
            except queue.Full:
                try:
                    self.waiting.get_nowait()
                    self.lost += 1
                except queue.Empty:
                    continue
            else:
                return

    def _run(self) -> None:
        # Waits in this daemon thread, never in the loop's executor: its threads would hold the process's exit up.
        with asyncio.Runner() as runner:
            while True:
                runner.run(self._send(*self.waiting.get()))

    async def _send(self, group: str, message: Message) -> None:
        try:
            await asyncio.wait_for(get_channel_layer().group_send(group, message), SEND_LIMIT_S)
            self.failing = False
        except Exception as error:  # noqa: BLE001  whatever Redis does, the next one is tried; screens resync
            self.lost += 1
            if not self.failing:
                logger.warning("announcements are lost", extra={"error": type(error).__name__})
            self.failing = True
