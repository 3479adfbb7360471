"""What a worker counts, read with every beat: its name, its value, and where there is one its bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calls import resources
from calls.sideband import announcer, backlog, fence
from calls.sideband.doors import DIALS, Doors

if TYPE_CHECKING:
    from calls.sideband.supervisor import Supervisor

Counters = dict[str, int | list[int]]
"""A number, or a number and its bound"""


def read(of: Supervisor) -> Counters:
    """Counts are since the start of the process; the others are of this moment, the lag is the worst since the last
    reading. Costs a listing of /proc/self/fd."""
    doors = Doors.here()
    writer = of.writer
    return {
        "lag_ms": [round(of.fence.take_lag() * 1000), fence.LAG_ALARM_MS],
        "waiting": [writer.waiting - writer.spool.changes, writer.most_changes],
        "waiting_bytes": [writer.waiting_bytes, backlog.BYTES],
        "spool_bytes": [writer.spool.bytes, writer.spool.limit],
        "dropped": writer.dropped,
        "fenced": writer.fenced,
        "let_go": of.let_go,
        "announcements": [of.announcer.waiting, announcer.QUEUE_LIMIT],
        "announcements_lost": of.announcer.dropped,
        "odd_frames": of.frames.odd,
        "oversized_frames": of.frames.oversized,
        "redials": doors.redials,
        "dials_waiting": [doors.waiting, DIALS],
        **resources.counters(),
    }
