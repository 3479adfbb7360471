"""Calls that no worker will ever end: closed, so that nothing rings on a screen for ever."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from calls import feed
from calls.actions import audit
from calls.conf import conf
from calls.domain.actors import SYSTEM
from calls.domain.changes import CallStateChanged
from calls.domain.states import CallState, EndReason
from calls.domain.views import state_body
from calls.models import Call
from calls.models.calls import LIVE_STATES

LONGEST_CALL = timedelta(minutes=65)
"""The provider ends a call after 60 minutes; nothing that is older is still going on."""
SETUP = timedelta(minutes=2)
"""For a call that was taken in time, but whose leg may still be set up"""
CLOSE_AT_ONCE = 200


def close_abandoned() -> int:
    """Close calls of the tenant in scope that nobody holds and that cannot be going on any more; returns how many.

    Workers end their calls themselves. This is for those that no worker can attend: a key that cannot be opened, a
    fault that repeats. All by the database's clock, by which leases are given: one of a host would close living calls.
    """
    found = Call.objects.filter(_abandoned()).values_list("pk", flat=True)
    return sum(_close(pk) for pk in found[:CLOSE_AT_ONCE])


def _abandoned() -> Q:
    now = Now()
    unheld = Q(owner__isnull=True) | Q(lease_expires__lt=now)
    unanswered = Q(answered_at__isnull=True, started_at__lt=now - conf().accept_max_age - SETUP)
    stale = Q(started_at__lt=now - LONGEST_CALL)
    return unheld & (unanswered | stale) & Q(state__in=LIVE_STATES)


def _close(pk: int) -> int:
    with transaction.atomic():
        # Asked again under the lock: a worker may have taken it meanwhile.
        abandoned = Call.objects.select_for_update(no_key=True).filter(_abandoned(), pk=pk)
        call = abandoned.annotate(closed_at=Now()).first()
        if call is None:
            return 0
        now = call.closed_at
        answered = call.answered_at is not None
        change = CallStateChanged(
            CallState.LOST if answered else CallState.MISSED,
            now,
            EndReason.UNATTENDED if answered else EndReason.NOT_ACCEPTED,
            "No worker could attend this call; their logs say why.",
        )
        call.state, call.ended_at, call.detail = change.state.value, now, change.detail
        call.end_reason = change.reason.value if change.reason else ""
        call.owner = call.lease_expires = None
        call.save(update_fields=["state", "ended_at", "detail", "end_reason", "owner", "lease_expires"])

        audit.record("call.closed_unattended", by=SYSTEM, kind="call", code=call.code)

        body = state_body(change, first_answer=False)
        feed.append_to_call(call, [("call", body)])
        feed.append_to_tenant([("call", {"code": str(call.code)} | body)])
    return 1
