"""Takes a verified delivery: stores it with a verdict, opens the call it announces, nudges the workers.

Never decides whether a delivery is believed (calls.providers.signatures does) and calls no provider. A telephone rings
meanwhile, hence plain SQL: the ORM took seven times the statements.
"""

from __future__ import annotations

from typing import Any

import orjson
from django.db import connection

from calls import dispatch, feed
from calls.actions import _intake_sql as sql
from calls.conf import conf
from calls.domain.states import Attachment, CallState, EndReason
from calls.models import Agent, Call, InstructionVersion, ProviderAccount, Tenant
from calls.models.calls import LIVE_STATES
from calls.providers.incoming import IncomingCall, OtherEvent, route_for

DUPLICATE_CALL = "duplicate_call"
IGNORED = "ignored"
DUPLICATE = "duplicate"
"""The same delivery a second time: not stored again"""

Row = dict[str, Any]


def receive(account: ProviderAccount, event: IncomingCall | OtherEvent, *, webhook_id: str) -> str:
    """Take one verified delivery in the scope of its tenant, which is the transaction; idempotent on `webhook_id`.
    Returns the verdict."""
    delivery = {
        "tenant": account.tenant_id,
        "account": account.pk,
        "webhook_id": webhook_id,
        "event_id": event.event_id,
        "type": event.type,
        "created_at": event.created_at,
        "body": orjson.dumps(event.body).decode(),
    }
    if isinstance(event, IncomingCall):
        return _take(account, event, delivery)
    return IGNORED if _ask(sql.STORE, delivery | {"verdict": IGNORED}) else DUPLICATE


def _take(account: ProviderAccount, event: IncomingCall, delivery: Row) -> str:
    """Of parallel deliveries one opens the call; the others wait for its commit and find it there."""
    call = _announced(account, event)
    verdict = CallState.REFUSED.value if call.end_reason == EndReason.BUSY else call.state
    [(stored, call.pk)] = _ask(sql.OPEN, delivery | _columns(call) | {"verdict": verdict})
    if stored is None:
        return DUPLICATE
    if call.pk is None:
        _ask(sql.LINK, delivery | {"call_id": call.call_id, "verdict": DUPLICATE_CALL})
        return DUPLICATE_CALL
    feed.call_opened(call)
    if call.state == CallState.RINGING:
        dispatch.attach(call.pk)
    return verdict


def _announced(account: ProviderAccount, event: IncomingCall) -> Call:
    """The call as it begins, not stored."""
    agent, version = _way(account, event.to_number)
    # Nobody waits any more: kept as a missed call, never attached. Without an agent, or beyond the tenant's limit,
    # the call rings on; its owner rejects it, since no request leaves from inside a webhook. Told by the sender's two
    # times: a host whose clock is a minute ahead would miss every call.
    too_old = event.attempted_at - event.created_at > conf().accept_max_age
    reason = EndReason.TOO_OLD if too_old else EndReason.BUSY if _full(account) else ""
    return Call(
        tenant_id=account.tenant_id,
        account_id=account.pk,
        call_id=event.call_id,
        agent=agent,
        instruction_version=version,
        from_number=event.from_number,
        to_number=event.to_number,
        media_security=event.media_security,
        started_at=event.created_at,
        state=CallState.MISSED.value if too_old else CallState.RINGING.value,
        end_reason=str(reason),
        attachment=Attachment.CLOSED.value if too_old else Attachment.DETACHED.value,
        ended_at=event.attempted_at if too_old else None,
    )


def _columns(call: Call) -> Row:
    """What the statement cannot know."""
    return {
        "code": call.code,
        "call_id": call.call_id,
        "agent": call.agent_id,
        "version": call.instruction_version_id,
        "from_number": call.from_number,
        "to_number": call.to_number,
        "media_security": call.media_security,
        "state": call.state,
        "end_reason": call.end_reason,
        "attachment": call.attachment,
        "ended_at": call.ended_at,
    }


def _full(account: ProviderAccount) -> bool:
    """Whether the tenant has all the calls that platform staff allow it. Those that are about to be refused do not
    count."""
    if account.tenant.calls_at_once is None:
        return False
    # One announcement at a time: two must not both take the last place.
    limit = Tenant.objects.select_for_update(no_key=True).get(pk=account.tenant_id).calls_at_once
    talking = Call.objects.filter(state__in=LIVE_STATES).exclude(end_reason=EndReason.BUSY).count()
    return limit is not None and talking >= limit


def _way(account: ProviderAccount, dialled: str) -> tuple[Agent | None, InstructionVersion | None]:
    """By the tenant's own routes only: what a SIP header claims leads nowhere else. The version is fixed on the call:
    one that is published while it runs changes nothing for it."""
    routes = _ask(sql.ROUTES, [account.tenant_id])
    winner = route_for(dialled, [number for number, *_ in routes])
    if winner is None:
        return None, None
    _, agent, name, version, number = routes[winner]
    found = None if version is None else InstructionVersion(pk=version, number=number)
    return Agent(pk=agent, name=name), found


def _ask(statement: str, values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []
