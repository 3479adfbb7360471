"""Takes a verified delivery: stores it with a verdict, opens the call it announces, nudges the workers.

Never decides whether a delivery is believed (calls.providers.signatures does) and calls no provider.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from calls import dispatch, feed
from calls.conf import conf
from calls.domain.states import Attachment, CallState, EndReason
from calls.models import Agent, Call, InstructionVersion, ProviderAccount, Route, Tenant, WebhookEvent
from calls.models.calls import LIVE_STATES
from calls.providers.incoming import IncomingCall, OtherEvent, route_for

DUPLICATE_CALL = "duplicate_call"
IGNORED = "ignored"
DUPLICATE = "duplicate"
"""The same delivery a second time: not stored again"""


def receive(account: ProviderAccount, event: IncomingCall | OtherEvent, *, webhook_id: str) -> str:
    """Take one verified delivery in the scope of its tenant; idempotent on `webhook_id`. Returns the
    verdict."""
    try:
        # Of parallel attempts one inserts, the others wait for its commit and then fail on the constraint.
        # One savepoint for all: this path is the ringing telephone's, and every statement on it costs 0.3 ms
        # of CPU.
        with transaction.atomic():
            return _take(account, event, webhook_id)
    except IntegrityError as error:
        if _violated(error) != "call_id_once":
            return _repeated(error)
    try:
        with transaction.atomic():
            call = Call.objects.get(account=account, call_id=_call_id(event))
            _store(account, event, webhook_id, DUPLICATE_CALL, call)
    except IntegrityError as error:
        return _repeated(error)
    return DUPLICATE_CALL


def _take(account: ProviderAccount, event: IncomingCall | OtherEvent, webhook_id: str) -> str:
    """The whole change, of a delivery that is new. Raises IntegrityError where it is not."""
    stored = _store(account, event, webhook_id, IGNORED)
    if isinstance(event, OtherEvent):
        return IGNORED

    call = _open(account, event)
    verdict = CallState.REFUSED.value if call.end_reason == EndReason.BUSY else call.state
    WebhookEvent.objects.filter(pk=stored.pk).update(verdict=verdict, call=call)
    feed.call_opened(call)
    if call.state == CallState.RINGING:
        dispatch.attach(call.pk)
    return verdict


def _store(
    account: ProviderAccount,
    event: IncomingCall | OtherEvent,
    webhook_id: str,
    verdict: str,
    call: Call | None = None,
) -> WebhookEvent:
    return WebhookEvent.objects.create(
        account=account,
        webhook_id=webhook_id,
        event_id=event.event_id,
        type=event.type,
        created_at=event.created_at,
        verdict=verdict,
        call=call,
        body=event.body,
    )


def _open(account: ProviderAccount, event: IncomingCall) -> Call:
    agent = _agent_for(event.to_number)
    now = timezone.now()
    # Nobody waits any more: kept as a missed call, never attached. Without an agent, or beyond the tenant's limit,
    # the call rings on; its owner rejects it, since no request leaves from inside a webhook.
    too_old = now - event.created_at > conf().accept_max_age
    reason = EndReason.TOO_OLD if too_old else EndReason.BUSY if _full(account) else ""
    return Call.objects.create(
        account=account,
        call_id=event.call_id,
        agent=agent,
        instruction_version=_published(agent),
        from_number=event.from_number,
        to_number=event.to_number,
        media_security=event.media_security,
        started_at=event.created_at,
        state=CallState.MISSED.value if too_old else CallState.RINGING.value,
        end_reason=str(reason),
        attachment=Attachment.CLOSED.value if too_old else Attachment.DETACHED.value,
        ended_at=now if too_old else None,
    )


def _full(account: ProviderAccount) -> bool:
    """Whether the tenant has all the calls that platform staff allow it. Those that are about to be refused do not
    count."""
    if account.tenant.calls_at_once is None:
        return False
    # One announcement at a time: two must not both take the last place.
    limit = Tenant.objects.select_for_update(no_key=True).get(pk=account.tenant_id).calls_at_once
    talking = Call.objects.filter(state__in=LIVE_STATES).exclude(end_reason=EndReason.BUSY).count()
    return limit is not None and talking >= limit


def _agent_for(dialled: str) -> Agent | None:
    """By the tenant's own routes only: what a SIP header claims leads nowhere else."""
    routes = list(Route.objects.select_related("agent").order_by("number"))
    winner = route_for(dialled, [route.number for route in routes])
    return None if winner is None else routes[winner].agent


def _published(agent: Agent | None) -> InstructionVersion | None:
    """Fixed on the call: a version that is published while it runs changes nothing for it."""
    if agent is None:
        return None
    return InstructionVersion.objects.filter(agent=agent, published_at__isnull=False).first()


def _violated(error: IntegrityError) -> str:
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or ""


def _repeated(error: IntegrityError) -> str:
    """The verdict on a delivery that is stored already; any other violation is a fault of ours."""
    if _violated(error) == "webhook_once":
        return DUPLICATE
    raise error


def _call_id(event: IncomingCall | OtherEvent) -> str:
    return event.call_id if isinstance(event, IncomingCall) else ""
