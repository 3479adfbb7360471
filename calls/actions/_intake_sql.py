"""The statements of a delivery's intake; what they are for is said in calls.actions.webhooks.

They run in the scope of the delivery's tenant: row-level security holds beside their own conditions.
"""

from __future__ import annotations

ROUTES = """
select r.number, a.id, a.name, v.id, v.number
from calls_route r
join calls_agent a on a.id = r.agent_id
left join calls_instructionversion v on v.agent_id = a.id and v.published_at is not null
where r.tenant_id = %s order by r.number
"""
"""Where the tenant's numbers lead, with the version that is published now: a constraint allows one"""

_DELIVERY = """
insert into calls_webhookevent
    (tenant_id, account_id, webhook_id, event_id, type, created_at, received_at, verdict, body, call_id)
values (%(tenant)s, %(account)s, %(webhook_id)s, %(event_id)s, %(type)s, %(created_at)s, clock_timestamp(),
    %(verdict)s, %(body)s, {call})
on conflict (account_id, webhook_id) do nothing
returning call_id
"""
STORE = _DELIVERY.format(call="null")
"""A delivery that opens no call. No row: it was stored before. Of parallel ones the later wait for the first's
commit."""

OPEN = f"""
with delivery as ({_DELIVERY.format(call="nextval('calls_call_id_seq')")}), opened as (
    insert into calls_call
        (id, code, tenant_id, account_id, call_id, agent_id, instruction_version_id, from_number, to_number,
         media_security, state, end_reason, attachment, started_at, ended_at,
         detail, floor, last_words, last_speaker, usage_incomplete, oddities, epoch, takeovers, last_seq)
    select delivery.call_id, %(code)s, %(tenant)s, %(account)s, %(call_id)s, %(agent)s, %(version)s, %(from_number)s,
        %(to_number)s, %(media_security)s, %(state)s, %(end_reason)s, %(attachment)s, %(created_at)s, %(ended_at)s,
        '', '', '', '', false, 0, 0, 0, 0
    from delivery
    on conflict (account_id, call_id) do nothing
    returning id
)
select (select call_id from delivery), (select id from opened)
"""  # noqa: S608  no value of anybody's is in it
"""A delivery and the call that it announces. (null, null): the delivery was stored before. (id, null): the call was
announced before, and LINK must follow in this transaction, since the delivery's key is checked at the commit."""

LINK = """
update calls_webhookevent w set verdict = %(verdict)s, call_id = c.id
from calls_call c
where c.account_id = %(account)s and c.call_id = %(call_id)s
  and w.account_id = %(account)s and w.webhook_id = %(webhook_id)s
"""
