"""Takes a verified delivery: stores it with a verdict, opens the call it announces, nudges the workers.

Never decides whether a delivery is believed (calls.providers.signatures does) and calls no provider.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from calls import dispatch, feed
from calls.conf import conf
from calls.domain.actors import Actor
from calls.domain.states import Attachment, CallState, EndReason
from calls.models import Agent, Call, InstructionVersion, ProviderAccount, Route, WebhookEvent
from calls.providers.incoming import IncomingCall, OtherEvent, route_for

RINGING = "ringing"
MISSED = "missed"
DUPLICATE_CALL = "duplicate_call"
IGNORED = "ignored"
DUPLICATE = "duplicate"
"""The same delivery a second time: not stored again"""


def receive(account: ProviderAccount, event: IncomingCall | OtherEvent, *, webhook_id: str, by: Actor) -> str:
    """Take one verified delivery in the scope of its tenant; idempotent on `webhook_id`. Returns the
    verdict."""
    with transaction.atomic():
        # First of all: of parallel attempts one inserts, the others wait here for its commit and then stop.
        stored = _store(account, event, webhook_id)
        if stored is None:
            return DUPLICATE
        if isinstance(event, OtherEvent):
            return IGNORED

        call, is_new = _open(account, event)
        verdict = call.state if is_new else DUPLICATE_CALL
        WebhookEvent.objects.filter(pk=stored.pk).update(verdict=verdict, call=call)
        if is_new:
            feed.call_opened(call)
        if verdict == CallState.RINGING:
            dispatch.attach(call.pk, call.tenant_id)
        return verdict


def _store(account: ProviderAccount, event: IncomingCall | OtherEvent, webhook_id: str) -> WebhookEvent | None:
    try:
        with transaction.atomic():
            return WebhookEvent.objects.create(
                account=account,
                webhook_id=webhook_id,
                event_id=event.event_id,
                type=event.type,
                created_at=event.created_at,
                verdict=IGNORED,
                body=event.body,
            )
    except IntegrityError as error:
        if _violated(error) == "webhook_once":
            return None
        raise


def _open(account: ProviderAccount, event: IncomingCall) -> tuple[Call, bool]:
    """The call of this announcement, and whether it is new: several webhook endpoints may announce the same
    one."""
    agent = _agent_for(event.to_number)
    now = timezone.now()
    too_old = now - event.created_at > conf().accept_max_age
    # Nobody waits any more: kept as a missed call, never attached. Without an agent the call rings on; its
    # owner rejects it, since no request leaves from inside a webhook.
    ending = (
        {
            "state": CallState.MISSED.value,
            "end_reason": EndReason.TOO_OLD.value,
            "attachment": Attachment.CLOSED.value,
            "ended_at": now,
        }
        if too_old
        else {"state": CallState.RINGING.value}
    )
    try:
        with transaction.atomic():
            call = Call.objects.create(
                account=account,
                call_id=event.call_id,
                agent=agent,
                instruction_version=_published(agent),
                from_number=event.from_number,
                to_number=event.to_number,
                media_security=event.media_security,
                started_at=event.created_at,
                **ending,
            )
    except IntegrityError as error:
        if _violated(error) != "call_id_once":
            raise
        return Call.objects.get(account=account, call_id=event.call_id), False
    return call, True


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
