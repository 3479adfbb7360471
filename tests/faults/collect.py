"""Reads the histories of a run from the ledger's file, the database and the watchers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from calls.simulator.compare import BUCKETS
from tests.faults.histories import Ledger, Row, Screen, Stored
from tests.rig.machine import Rig
from tests.rig.watcher import Watcher

_CALLS = """
select c.call_id, c.id, c.code::text as code, t.slug as tenant, c.state, c.end_reason, c.epoch, c.last_seq, c.takeovers,
       c.ended_at, c.usage_incomplete, c.from_number as "from", c.to_number as "to"
from calls_call c join calls_tenant t on t.id = c.tenant_id where c.id = any(%s)
"""
_SEQS = """
select c.call_id, array_agg(e.seq order by e.seq) from calls_callevent e join calls_call c on c.id = e.call_id
where c.id = any(%s) group by 1
"""
_STREAMS = """
select t.slug, s.last_seq, min(e.seq), max(e.seq), count(e.seq) from calls_tenantstream s
join calls_tenant t on t.id = s.tenant_id join calls_tenantevent e on e.tenant_id = t.id group by 1, 2
"""
_TURNS = """
select c.call_id, t.item_id, t.kind, t.speaker, t.text, t.heard_text, t.name, t.status,
       row_number() over (partition by t.call_id order by t.rank, t.id) as position,
       case when t.kind = 'tool_call' then t.arguments end as arguments,
       case when t.kind = 'tool_output' then t.output end as output,
       case t.transcription when 'pending' then case when c.ended_at is not null then 'missing' end
           else t.transcription end as transcription
from calls_turn t join calls_call c on c.id = t.call_id where c.id = any(%s)
"""
_USAGE = f"""
select c.call_id, u.kind, case when u.kind = 'response' then u.ref_id end as response_id,
       case when u.kind = 'transcription' then u.ref_id end as item_id, u.seconds,
       case when u.complete then 'complete' else 'incomplete' end as state,
       {", ".join(f"u.{name} as {column}" for name, column in BUCKETS.items())}
from calls_tokenusage u join calls_call c on c.id = u.call_id where c.id = any(%s)
"""
_GAPS = """
select c.call_id, g.started_at, g.ended_at, g.cause from calls_gap g join calls_call c on c.id = g.call_id
where c.id = any(%s) order by 1, 2
"""
_COMMANDS = """
select m.id::text as id, c.call_id, m.verb, m.state, m.requested_at, m.detail,
       least(m.settled_at, (
           select min(e.at) from calls_callevent e
           where e.call_id = m.call_id and e.kind = 'command' and e.body->>'id' = m.id::text
             and e.body->>'state' in ('confirmed', 'refused', 'not_confirmed', 'expired', 'cancelled')
       )) as settled_at
from calls_command m join calls_call c on c.id = m.call_id where c.id = any(%s)
"""
_AUDITED = """
select a.detail->>'command' as id from calls_auditentry a
where a.verb = 'call.command_requested' and a.object_code = any(select code::text from calls_call where id = any(%s))
"""
_WRITTEN = """
select w.app, c.call_id, w.epoch, extract(epoch from w.at)::float8 as at from rig.written w join calls_call c on c.id = w.call_id
where c.id = any(%s) order by w.at
"""
_TAKEN = """
select w.app, c.call_id, w.before, w.after, extract(epoch from w.at)::float8 as at from rig.taken w
join calls_call c on c.id = w.call_id where c.id = any(%s) order by w.n
"""
_STRAYS = " union all ".join(
    f"select 1 from {table} x join calls_call c on c.id = x.call_id "
    "where x.tenant_id <> c.tenant_id and c.id = any(%(ids)s)"
    for table in ("calls_callevent", "calls_turn", "calls_tokenusage", "calls_gap", "calls_command")
)


_MINE = """
select c.id from calls_call c join calls_tenant t on t.id = c.tenant_id
where exists (select from unnest(%s::text[], %s::text[]) as mine(call_id, slug)
              where mine.call_id = c.call_id and mine.slug = t.slug)
"""


def stored(rig: Rig, tenant_of: Mapping[str, str]) -> Stored:
    """What the database holds of these calls. Their ids are the provider's, which another tenant may have, too."""
    wanted = [row[0] for row in rig.rows(_MINE, list(tenant_of), list(tenant_of.values()))]

    def rows(query: str) -> list[Row]:
        return rig.dicts(query, wanted)

    return Stored(
        calls={row["call_id"]: row for row in rows(_CALLS)},
        seqs=dict(rig.rows(_SEQS, wanted)),
        tenant_streams={row[0]: row[1:] for row in rig.rows(_STREAMS)},
        turns=rows(_TURNS),
        usage=rows(_USAGE),
        gaps=rows(_GAPS),
        commands=rows(_COMMANDS),
        audited=[row["id"] for row in rows(_AUDITED)],
        written=rows(_WRITTEN),
        taken=rows(_TAKEN),
        strays=len(rig.rows(_STRAYS.replace("%(ids)s", "%s"), *[wanted] * 5)),
    )


def ledger(rig: Rig, ids: Iterable[str], since: int) -> Ledger:
    """What the simulator wrote of these calls after the byte `since` of its file."""
    wanted = set(ids)
    found = Ledger()
    places = {"http": found.http, "webhook": found.webhooks, "mark": found.marks}
    for line in _lines(rig, since):
        if line.get("call_id") not in wanted:
            continue
        if line["kind"] == "truth":
            found.truths[line["call_id"]] = line
        elif line["kind"] in places:
            places[line["kind"]].append(line)
    return found


def _lines(rig: Rig, since: int) -> Iterator[Row]:
    rig.provider.sent()  # flushes
    with rig.provider.ledger.open("rb") as file:
        file.seek(since)
        for raw in file:
            # Nearly all lines are frames, of which the truths tell what matters.
            if not raw.startswith(b'{"kind":"frame"') and raw.endswith(b"\n"):
                yield json.loads(raw)


def screen(watcher: Watcher, tenant: str, followed: Sequence[str], caught_up_after_s: float) -> Screen:
    picture = watcher.picture
    return Screen(
        tenant=tenant,
        streams={name: (each.seq, each.body) for name, each in picture.streams.items()},
        followed=followed,
        raw="\n".join(watcher.raw),
        connections=watcher.connections,
        holes=picture.holes,
        errors=list(picture.errors),
        caught_up_after_s=caught_up_after_s,
        listed_at=watcher.listed_at,
    )
