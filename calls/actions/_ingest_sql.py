"""The statements of the hot path. Each takes one JSON array of rows; locks are taken in order of ids."""

from __future__ import annotations

FENCE = """
with v as (
    select * from json_to_recordset(%s::json) as v(
        id bigint, epoch bigint, flush bigint, n int, state text, end_reason text, detail text, attachment text,
        floor text, last_words text, last_speaker text, reply_ms int, answered_at timestamptz, ended_at timestamptz,
        last_event_at timestamptz, deadline timestamptz, usage_incomplete bool, oddities int, session jsonb,
        rate_limits jsonb, quiet bool, quiet_since timestamptz, signs bool, interruptions int,
        interrupted_at timestamptz, tool_failed_at timestamptz, asked_for_person_at timestamptz,
        unconfirmed_at timestamptz, helped_at timestamptz)
), held as (
    select c.id from calls_call c join v on v.id = c.id
    where c.epoch = v.epoch and c.owner = %s and (v.flush is null or v.flush > c.flush)
    order by c.id for no key update of c
)
update calls_call c set
    last_seq = c.last_seq + v.n,
    flush = coalesce(v.flush, c.flush),
    state = coalesce(v.state, c.state),
    end_reason = coalesce(v.end_reason, c.end_reason),
    detail = coalesce(v.detail, c.detail),
    attachment = coalesce(v.attachment, c.attachment),
    floor = coalesce(v.floor, c.floor),
    last_words = coalesce(v.last_words, c.last_words),
    last_speaker = coalesce(v.last_speaker, c.last_speaker),
    reply_ms = coalesce(v.reply_ms, c.reply_ms),
    answered_at = coalesce(c.answered_at, v.answered_at),
    ended_at = coalesce(c.ended_at, v.ended_at),
    last_event_at = greatest(c.last_event_at, v.last_event_at),
    deadline = coalesce(v.deadline, c.deadline),
    usage_incomplete = c.usage_incomplete or coalesce(v.usage_incomplete, false),
    oddities = c.oddities + coalesce(v.oddities, 0),
    session = coalesce(v.session, c.session),
    rate_limits = coalesce(v.rate_limits, c.rate_limits),
    quiet_since = case when v.quiet is null then c.quiet_since else v.quiet_since end,
    interruptions = case when v.signs then v.interruptions else c.interruptions end,
    interrupted_at = case when v.signs then v.interrupted_at else c.interrupted_at end,
    tool_failed_at = case when v.signs then v.tool_failed_at else c.tool_failed_at end,
    asked_for_person_at = case when v.signs then v.asked_for_person_at else c.asked_for_person_at end,
    unconfirmed_at = case when v.signs then v.unconfirmed_at else c.unconfirmed_at end,
    helped_at = case when v.signs then v.helped_at else c.helped_at end,
    owner = case when v.ended_at is null then c.owner end,
    lease_expires = case when v.ended_at is null then c.lease_expires end
from v join held using (id)
where c.id = v.id
returning c.id, c.last_seq
"""
"""A call that is missing from the answer is fenced, or has this flush already (STORED_BEFORE tells). A call that ended
gives its lease back in the same write.

`quiet` and `signs` say whether the columns behind them are told: there, null is a value."""

STORED_BEFORE = """
select c.id from json_to_recordset(%s::json) as v(id bigint, epoch bigint, flush bigint)
join calls_call c on c.id = v.id where c.epoch = v.epoch and c.flush >= v.flush
"""

NUMBER_TENANTS = """
with v as (select * from json_to_recordset(%s::json) as v(id uuid, n int)),
held as (
    select s.tenant_id from calls_tenantstream s join v on v.id = s.tenant_id
    order by s.tenant_id for no key update of s
)
update calls_tenantstream s set last_seq = s.last_seq + v.n
from v join held on held.tenant_id = v.id
where s.tenant_id = v.id
returning s.tenant_id, s.epoch, s.last_seq, clock_timestamp()
"""

CALL_EVENTS = """
insert into calls_callevent (tenant_id, call_id, seq, kind, at, body)
select tenant_id, call_id, seq, kind, at, body from json_to_recordset(%s::json)
    as v(tenant_id uuid, call_id bigint, seq bigint, kind text, at timestamptz, body jsonb)
"""

TENANT_EVENTS = """
insert into calls_tenantevent (tenant_id, seq, kind, at, body)
select tenant_id, seq, kind, at, body from json_to_recordset(%s::json)
    as v(tenant_id uuid, seq bigint, kind text, at timestamptz, body jsonb)
"""

_TURN = (
    "tenant_id uuid, call_id bigint, item_id text, rank float8, kind text, speaker text, status text, text text,"
    " heard_text text, heard_ms int, name text, tool_call_id text, arguments text, output text, transcription text,"
    " response_id text, reply_ms int, command_id uuid, steps jsonb, started_at timestamptz, ended_at timestamptz"
)
_TURN_COLUMNS = [part.split()[0] for part in _TURN.split(",")]

TURNS = f"""
insert into calls_turn ({", ".join(_TURN_COLUMNS)})
select {", ".join(_TURN_COLUMNS)} from json_to_recordset(%s::json) as v({_TURN})
on conflict (call_id, item_id) do update set
    {", ".join(f"{name} = excluded.{name}" for name in _TURN_COLUMNS[3:])}
"""  # noqa: S608  column names of our own

_USAGE = (
    "tenant_id uuid, call_id bigint, kind text, ref_id text, model text, input_text bigint, input_audio bigint,"
    " input_image bigint, cached_text bigint, cached_audio bigint, cached_image bigint, output_text bigint,"
    " output_audio bigint, total bigint, split_known bool, seconds numeric, complete bool, at timestamptz"
)
_USAGE_COLUMNS = [part.split()[0] for part in _USAGE.split(",")]

USAGE = f"""
insert into calls_tokenusage ({", ".join(_USAGE_COLUMNS)})
select {", ".join(_USAGE_COLUMNS)} from json_to_recordset(%s::json) as v({_USAGE})
on conflict (call_id, kind, ref_id) do update set
    {", ".join(f"{name} = excluded.{name}" for name in _USAGE_COLUMNS[4:])}
where excluded.complete or not calls_tokenusage.complete
"""  # noqa: S608  column names of our own
"""The later record is written over the earlier one, but figures are never taken back."""

GAPS = """
insert into calls_gap (tenant_id, call_id, started_at, ended_at, cause)
select tenant_id, call_id, started_at, ended_at, cause from json_to_recordset(%s::json)
    as v(tenant_id uuid, call_id bigint, started_at timestamptz, ended_at timestamptz, cause text)
on conflict (call_id, started_at) do update set ended_at = excluded.ended_at, cause = excluded.cause
"""

COMMANDS = """
update calls_command m set
    state = v.state,
    detail = coalesce(v.detail, m.detail),
    after_item_id = coalesce(v.after_item_id, m.after_item_id),
    claimed_at = case when v.state = 'claimed' then v.at else m.claimed_at end,
    sent_at = case when v.state = 'sent' then v.at else m.sent_at end,
    settled_at = case when v.state in ('claimed', 'sent') then m.settled_at else v.at end
from json_to_recordset(%s::json)
    as v(id uuid, state text, detail text, after_item_id text, at timestamptz)
where m.id = v.id and m.state not in ('confirmed', 'refused', 'expired', 'cancelled')
  and (m.state <> 'not_confirmed' or v.state = 'confirmed')
"""
