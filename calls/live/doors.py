"""How many sockets the feed of this process lets in, and what it counts. A bound for each person, each tenant and the
process itself: whoever is beyond it is closed with 4429, and the sockets that are there stay."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from calls import resources
from calls.conf import conf
from calls.live.access import TOO_MANY, Refused
from calls.selectors.members import Member


class Doors:
    """One per process. Counts are since its start, but for `sockets`."""

    def __init__(self) -> None:
        self.sockets = 0
        self.turned_away = 0
        """By these bounds, and for too many frames"""
        self.hints_left_out = 0
        self.readers_closed = 0
        """They did not keep up"""
        self._of_user: Counter[int | None] = Counter()
        self._of_tenant: Counter[UUID] = Counter()

    def enter(self, member: Member) -> None:
        """Raises Refused; otherwise `leave` is due."""
        bounds = conf()
        user, tenant = member.actor.user_id, member.tenant_id
        if self._of_user[user] >= bounds.sockets_per_user:
            raise Refused(TOO_MANY, "You have too many pages open.")
        if self._of_tenant[tenant] >= bounds.sockets_per_tenant or not resources.descriptors_left():
            raise Refused(TOO_MANY, "Too many pages are open at the moment.")
        self.sockets += 1
        self._of_user[user] += 1
        self._of_tenant[tenant] += 1

    def leave(self, member: Member) -> None:
        self.sockets -= 1
        for counter, key in ((self._of_user, member.actor.user_id), (self._of_tenant, member.tenant_id)):
            counter[key] -= 1  # type: ignore[index]
            if not counter[key]:  # type: ignore[index]
                del counter[key]


DOORS = Doors()


def counters() -> dict[str, int]:
    """For the status page."""
    return {
        "sockets": DOORS.sockets,
        "turned_away": DOORS.turned_away,
        "hints_left_out": DOORS.hints_left_out,
        "readers_closed": DOORS.readers_closed,
    }
