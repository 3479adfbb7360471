"""Calls that were over before they were told of; tests/realtime_ops/test_history.py stores whole ones."""

from __future__ import annotations

import uuid

from calls.actions import past
from calls.domain.changes import CallStateChanged
from calls.domain.states import CallState, EndReason
from calls.models import Call
from calls.tenancy import tenant_scope
from tests import factories
from tests.factories import NOON


def test_rows_are_over_from_the_first_and_held_until_they_are_filled(acme):
    account, agent = factories.make_account(acme), factories.make_agent(acme)
    end = CallStateChanged(CallState.MISSED, NOON, EndReason.TOO_OLD)
    owner = uuid.uuid4()
    with tenant_scope(acme.id):
        batches = past.open_rows(
            [past.PastCall("+4930123", "+44", NOON, [end])],
            prefix="rtc_x",
            account=account,
            agent=agent,
            version=None,
            owner=owner,
        )
        call = Call.objects.get(call_id="rtc_x_0")
        assert (call.state, call.ended_at, call.owner) == ("missed", NOON, owner)
        assert [batch.ref.code for batch in batches] == [call.code]
        assert not past.known("rtc_x")  # held by nobody who lives: taken away, to be stored anew
        assert not Call.objects.exists()
