"""What a feed reads from PostgreSQL: snapshots, missed entries, heads. Always inside the member's tenant.

Each raises one of calls.live.database.AWAY where PostgreSQL does not answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from calls.domain.roles import Capability
from calls.exceptions import FeedGone, NotFound
from calls.live import protocol
from calls.live.database import asks_together
from calls.live.protocol import TENANT, Wanted
from calls.models import Call, TenantStream
from calls.selectors import calls as call_selectors
from calls.selectors import live as live_selectors
from calls.selectors.members import Member
from calls.tenancy import tenant_scope

CATCH_UP_LIMIT = 500
"""Entries; a reader that is further behind gets a snapshot."""


@dataclass(frozen=True, slots=True)
class Told:
    """A snapshot, ready to be sent."""

    epoch: str
    seq: int
    frame: str


@asks_together(lambda member, wanted: (member.tenant_id, member.actor.may(Capability.REVEAL), wanted.stream))
def snapshot(member: Member, wanted: Wanted) -> Told:
    """Raises NotFound."""
    reveal = member.actor.may(Capability.REVEAL)
    with tenant_scope(member.tenant_id):
        if wanted.code is None:
            found = live_selectors.snapshot(reveal=reveal)
        else:
            found = call_selectors.snapshot(wanted.code, reveal=reveal)
    # Here, where the megabytes of a busy tenant hold no other socket up, and once for all who ask together.
    return Told(found.epoch, found.seq, protocol.snapshot(found))


@asks_together(lambda member, wanted: (member.tenant_id, wanted))
def entries_after(member: Member, wanted: Wanted) -> list[dict[str, Any]]:
    """Entries that follow the position. Raises FeedGone where only a snapshot can help, NotFound for no such stream."""
    with tenant_scope(member.tenant_id):
        epoch, head = _head(wanted)
        if wanted.epoch != epoch or not max(0, head - CATCH_UP_LIMIT) <= wanted.seq <= head:
            raise FeedGone(wanted.stream)
        if wanted.code is None:
            return live_selectors.entries_after(wanted.seq, CATCH_UP_LIMIT)
        return call_selectors.entries_after(wanted.code, wanted.seq, CATCH_UP_LIMIT)


@asks_together(lambda member, streams: (member.tenant_id, frozenset(wanted.stream for wanted in streams)))
def heads(member: Member, streams: Sequence[Wanted]) -> dict[str, int]:
    """The latest number of each stream."""
    codes = [wanted.code for wanted in streams if wanted.code is not None]
    with tenant_scope(member.tenant_id):
        found = {TENANT: TenantStream.objects.get().last_seq}
        found |= {
            f"call:{code}": seq for code, seq in Call.objects.filter(code__in=codes).values_list("code", "last_seq")
        }
    return {wanted.stream: found[wanted.stream] for wanted in streams if wanted.stream in found}


def _head(wanted: Wanted) -> tuple[str, int]:
    stream = TenantStream.objects.get()
    if wanted.code is None:
        return str(stream.epoch), stream.last_seq
    last = Call.objects.filter(code=wanted.code).values_list("last_seq", flat=True).first()
    if last is None:
        raise NotFound("no such call")
    return str(stream.epoch), last
