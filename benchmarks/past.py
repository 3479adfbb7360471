"""Two months of a busy tenant, written in SQL: calls, the agent's turns, and a million rows of usage."""

from __future__ import annotations

import psycopg

USAGE_ROWS = 1_000_000
BILLS_OF_A_CALL = 16
DAYS = 60

_CALLS = """
insert into calls_call (tenant_id, code, call_id, account_id, agent_id, instruction_version_id, from_number, to_number,
    media_security, state, end_reason, detail, attachment, floor, last_words, last_speaker, session, usage_incomplete,
    oddities, started_at, answered_at, ended_at, epoch, takeovers, last_seq, interruptions)
select t.id, gen_random_uuid(), 'rtc_past_' || n, p.id, a.id, v.id, '+4420794' || (60000 + n %% 9999), '+442079460100',
    'srtp', case n %% 50 when 0 then 'missed' when 1 then 'lost' else 'ended' end,
    case n %% 9 when 0 then 'hung_up' when 1 then 'transferred' else 'remote_hang_up' end, '', 'closed', '',
    'Thank you, goodbye.', 'caller', '{}', false, 0, at, at + interval '2 s',
    at + interval '1 s' * (60 + n %% 240), 1, 0, 0, 0
from generate_series(1, %(calls)s) n
cross join lateral (
    select %(until)s - interval '1 day' * (%(days)s * (1 - n::float8 / %(calls)s)) - interval '1 s' as at) w
cross join (select id from calls_tenant where slug = 'acme') t
join lateral (select id from calls_provideraccount where tenant_id = t.id limit 1) p on true
join lateral (
    select id from calls_agent where tenant_id = t.id order by id offset n %% 4 limit 1) a on true
left join lateral (select id from calls_instructionversion where agent_id = a.id limit 1) v on true
"""
_TURNS = """
insert into calls_turn (tenant_id, call_id, item_id, rank, kind, speaker, status, text, name, tool_call_id, arguments,
    output, response_id, reply_ms, steps, started_at, ended_at)
select c.tenant_id, c.id, 'item_' || k, k, 'message', 'agent', 'completed',
    'Of course. I have found your booking and moved it to Friday at ten, is there anything else that I can do?',
    '', '', '', '', 'resp_' || k, 350 + (random() * random() * 2600)::int, '[]',
    c.started_at + interval '7 s' * k, c.started_at + interval '7 s' * k + interval '4 s'
from calls_call c cross join generate_series(1, %(bills)s / 2) k where c.call_id like 'rtc_past_%%'
"""
_USAGE = """
insert into calls_tokenusage (tenant_id, call_id, kind, ref_id, model, input_text, input_audio, input_image,
    cached_text, cached_audio, cached_image, output_text, output_audio, total, split_known, seconds, complete, at)
select c.tenant_id, c.id, case when k %% 2 = 0 then 'response' else 'transcription' end,
    case when k %% 2 = 0 then 'resp_' || k / 2 else 'item_c' || k end,
    case when k %% 2 = 1 then 'gpt-4o-transcribe' when c.agent_id %% 4 = 0 then 'gpt-realtime-2.1-mini'
        else 'gpt-realtime-2.1' end,
    500 + k * 40, 100 + k * 30, 0, case when k %% 2 = 0 then 448 else 0 end,
    case when k %% 2 = 0 then k * 20 else 0 end,
    0, 30 + k %% 17, case when k %% 2 = 0 then 90 + k %% 31 else 0 end, 0, true, null,
    k %% 16 > 0 or c.id %% 97 > 0, c.started_at + interval '3.5 s' * k
from calls_call c cross join generate_series(1, %(bills)s) k where c.call_id like 'rtc_past_%%'
"""


def write(url: str, rows: int = USAGE_ROWS, *, until: str = "now") -> None:
    """As the owner, past row-level security where the owner is a superuser, as the embedded one is."""
    values = {"calls": rows // BILLS_OF_A_CALL, "bills": BILLS_OF_A_CALL, "days": DAYS}
    with psycopg.connect(url, autocommit=True) as owner:
        moment = owner.execute("select %s::timestamptz", [until]).fetchone()
        for statement in (_CALLS, _TURNS, _USAGE):
            owner.execute(statement.encode(), values | {"until": moment[0] if moment else None})
        owner.execute("vacuum analyze")
