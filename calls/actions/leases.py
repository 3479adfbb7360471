"""Who owns a call: leases with a fencing epoch, in conditional statements, awaited from the sideband loop.

The row in PostgreSQL owns the call, not a message. Expiry is judged by the database's clock alone, so clocks of hosts
cannot matter. The connection belongs to the sideband role, which serves all tenants.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from calls.models.calls import LIVE_STATES

TTL_S = 10
RENEW_S = 3.0
FENCE_S = 7.0
"""An owner that could not renew for so long stops sending: 3 s before anyone else may take the call."""
DEAD_AFTER_S = 2
"""Twice the beat of a worker"""
RISEN = f"pg_postmaster_start_time() < clock_timestamp() - interval '{TTL_S} seconds'"
"""After PostgreSQL has started every lease has run out and every lock is free though their workers live: for so long
nothing is concluded from either, also by a worker that was not there before."""
CROWDED_TAKEOVERS = 5
"""A call that changed hands more often than this, each time within CROWDED_WITHIN of the last, may be what kills its
workers: it is taken again only CROWDED_PAUSE after it was taken last."""
CROWDED_WITHIN = "2 minutes"
CROWDED_PAUSE = "30 seconds"

Connection = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class Lease:
    call: int
    epoch: int
    crowded: bool = False
    """It changes hands too often"""


async def take(
    connection: Connection,
    owner: UUID,
    *,
    limit: int,
    calls: Collection[int] | None = None,
    besides: Iterable[int] = (),
) -> list[Lease]:
    """Take up to `limit` live calls that nobody holds (or of `calls` only): exactly one worker wins each.

    `besides`: calls that this process attends. A lease of its own that ran out is renewed, not taken.
    Fair between tenants: each tenant's oldest unheld call comes before any tenant's second.
    """
    # A condition that either way of asking shares would be planned for neither: a nudge would read every live call.
    wanted = "true" if calls is None else "id = any(%(calls)s::bigint[])"
    rows = await connection.execute(
        f"""
        with free as (
            select id, row_number() over (partition by tenant_id order by started_at) as place, started_at
            from calls_call
            where state = any(%(live)s) and (owner is null or lease_expires < clock_timestamp() and {RISEN})
              and (takeovers <= {CROWDED_TAKEOVERS}
                   or coalesce(taken_at, 'epoch') < clock_timestamp() - interval '{CROWDED_PAUSE}')
              and {wanted} and id <> all(%(besides)s::bigint[])
            order by place, started_at limit %(limit)s
        ), won as (
            select c.id from calls_call c join free using (id)
            where c.state = any(%(live)s) and (c.owner is null or c.lease_expires < clock_timestamp())
            for update of c skip locked
        )
        update calls_call c
        set owner = %(owner)s, epoch = c.epoch + 1, flush = 0,
            takeovers = case
                when c.epoch = 0 then 0
                when c.taken_at > clock_timestamp() - interval '{CROWDED_WITHIN}' then c.takeovers + 1
                else 1 end,
            taken_at = clock_timestamp(),
            lease_expires = clock_timestamp() + interval '{TTL_S} seconds'
        from won where c.id = won.id returning c.id, c.epoch, c.takeovers > {CROWDED_TAKEOVERS}
        """,  # noqa: S608  constants of this module
        {
            "owner": owner,
            "limit": limit,
            "calls": list(calls or ()),
            "live": LIVE_STATES,
            "besides": list(besides),
        },
    )
    return [Lease(*row) for row in await rows.fetchall()]


async def renew(connection: Connection, owner: UUID, leases: Sequence[Lease]) -> set[int]:
    """Prolong all leases of a process at once. A call that is missing from the answer is lost."""
    rows = await connection.execute(
        f"""
        update calls_call c set lease_expires = clock_timestamp() + interval '{TTL_S} seconds'
        from (select * from unnest(%s::bigint[], %s::bigint[]) as v(id, epoch) order by id) v
        where c.id = v.id and c.epoch = v.epoch and c.owner = %s returning c.id
        """,  # noqa: S608  a constant of this module
        [[lease.call for lease in leases], [lease.epoch for lease in leases], owner],
    )
    return {row[0] for row in await rows.fetchall()}


async def release(connection: Connection, owner: UUID) -> int:
    """Give every call back at once and tell the other workers; returns how many. A planned hand-over is no takeover."""
    done = await connection.execute(
        """
        update calls_call set owner = null, lease_expires = null, takeovers = greatest(takeovers - 1, 0)
        where owner = %s
        """,
        [owner],
    )
    await connection.execute("select pg_notify('sideband_free', '')")
    return done.rowcount


async def give_back(connection: Connection, owner: UUID, lease: Lease) -> None:
    """Give one call back, if it is still ours, and tell the other workers."""
    await connection.execute(
        "update calls_call set owner = null, lease_expires = null where id = %s and epoch = %s and owner = %s",
        [lease.call, lease.epoch, owner],
    )
    await connection.execute("select pg_notify('sideband_free', '')")


async def beat(
    connection: Connection,
    owner: UUID,
    *,
    host: str,
    pid: int,
    lock_key: int,
    slots: int,
    calls: int,
    counters: dict[str, Any],
) -> None:
    """Say that this worker lives. `lock_key` is 0 while it does not hold its lock: then nobody may judge by it."""
    await connection.execute(
        """
        insert into calls_worker (owner, host, pid, lock_key, slots, calls, counters, started_at, seen_at)
        values (%s, %s, %s, %s, %s, %s, %s, clock_timestamp(), clock_timestamp())
        on conflict (owner) do update
        set calls = excluded.calls, slots = excluded.slots, lock_key = excluded.lock_key, seen_at = excluded.seen_at,
            counters = excluded.counters
        """,
        [owner, host, pid, lock_key, slots, calls, Jsonb(counters)],
    )


async def lock(connection: Connection, key: int) -> None:
    """Take the advisory lock that this session then holds until its connection ends.

    Waits, as long as for any lock, for an earlier connection of this worker that is still being noticed as gone.
    """
    await connection.execute("select pg_advisory_lock(%s)", [key])


async def bury(connection: Connection, owner: UUID) -> int:
    """Free the calls of workers that died, and forget these; returns how many calls.

    Dead: its lock is free, and its row was not refreshed for DEAD_AFTER, so that a worker whose lock's connection
    alone was cut has the time to take it again.
    """
    rows = await connection.execute(
        f"""
        with silent as materialized (
            select w.owner, w.lock_key from calls_worker w
            where w.owner <> %s and w.lock_key <> 0 and {RISEN}
              and w.seen_at < clock_timestamp() - interval '{DEAD_AFTER_S} seconds'
        ), dead as materialized (
            select s.owner from silent s where pg_try_advisory_xact_lock(s.lock_key)
        ), freed as (
            update calls_call c set owner = null, lease_expires = null
            from dead where c.owner = dead.owner returning c.id
        ), forgotten as (
            delete from calls_worker w using dead where w.owner = dead.owner
        )
        select count(*) from freed
        """,  # noqa: S608  a constant of this module
        [owner],
    )
    row = await rows.fetchone()
    return int(row[0]) if row else 0


async def leave(connection: Connection, owner: UUID) -> None:
    """The process ends in good order: forget its row."""
    await connection.execute("delete from calls_worker where owner = %s", [owner])


async def claim_commands(
    connection: Connection, owner: UUID, held: Sequence[Lease]
) -> list[tuple[int, UUID, str, str, dict[str, Any]]]:
    """Claim what operators asked of these calls, under their epochs; (call, id, verb, text, settings), oldest first.

    What was asked longer ago than commands.EXPIRES_AFTER is not carried out any more: the moment has passed.
    """
    rows = await connection.execute(
        """
        update calls_command m set state = 'claimed', claimed_at = clock_timestamp(), epoch = v.epoch
        from unnest(%s::bigint[], %s::bigint[]) as v(id, epoch)
        join calls_call c on c.id = v.id and c.epoch = v.epoch and c.owner = %s
        where m.call_id = v.id and m.state = 'requested' and m.requested_at > clock_timestamp() - interval '20 seconds'
        returning m.requested_at, m.call_id, m.id, m.verb, m.text, m.settings
        """,
        [[lease.call for lease in held], [lease.epoch for lease in held], owner],
    )
    return [(row[1], row[2], row[3], row[4], row[5]) for row in sorted(await rows.fetchall(), key=lambda row: row[0])]
