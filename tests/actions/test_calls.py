"""Calls that no worker can end are closed; calls that somebody watches, or still may, are not."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from calls.actions import calls
from calls.models import AuditEntry, Call, CallEvent, TenantEvent
from calls.tenancy import tenant_scope
from tests import factories

MINUTE = timedelta(minutes=1)


def _made(acme, **fields):
    call = factories.make_call(tenant=acme)
    with tenant_scope(acme.id):
        Call.objects.filter(pk=call.pk).update(**fields)
    return call


@pytest.mark.parametrize(
    ("age", "state", "answered", "becomes"),
    [
        (4 * MINUTE, "ringing", False, "missed"),
        (4 * MINUTE, "accepted", False, "missed"),
        (70 * MINUTE, "active", True, "lost"),
        (70 * MINUTE, "transferring", True, "lost"),
        (MINUTE, "ringing", False, "ringing"),
        (30 * MINUTE, "active", True, "active"),
    ],
)
def test_what_cannot_be_going_on_any_more_is_closed(acme, age, state, answered, becomes):
    now = timezone.now()
    call = _made(acme, state=state, started_at=now - age, answered_at=now - age if answered else None, owner=None)
    with tenant_scope(acme.id):
        closed = calls.close_abandoned()
        found = Call.objects.get(pk=call.pk)
        assert found.state == becomes
        assert (closed, found.ended_at is not None) == ((1, True) if becomes != state else (0, False))
        if closed:
            assert CallEvent.objects.get(call=call).body["state"] == becomes
            assert TenantEvent.objects.get().body["code"] == str(call.code)
            assert AuditEntry.objects.get().verb == "call.closed_unattended"


def test_a_call_with_a_living_owner_is_left_to_it(acme):
    now = timezone.now()
    held = {"owner": uuid4(), "lease_expires": now + MINUTE}
    call = _made(acme, state="ringing", started_at=now - 10 * MINUTE, answered_at=None, **held)
    with tenant_scope(acme.id):
        assert calls.close_abandoned() == 0
        assert Call.objects.get(pk=call.pk).state == "ringing"


def test_another_tenant_is_not_touched(acme, globex):
    call = _made(globex, state="ringing", started_at=timezone.now() - 10 * MINUTE, answered_at=None, owner=None)
    with tenant_scope(acme.id):
        assert calls.close_abandoned() == 0
    with tenant_scope(globex.id):
        assert Call.objects.get(pk=call.pk).state == "ringing"


@pytest.mark.parametrize("ahead", [15 * MINUTE, -15 * MINUTE], ids=["ahead", "behind"])
@pytest.mark.parametrize(
    ("age", "lease", "becomes"),
    [
        (4 * MINUTE, MINUTE / 6, "ringing"),
        (MINUTE, None, "ringing"),
        (4 * MINUTE, -MINUTE, "missed"),
        (4 * MINUTE, None, "missed"),
    ],
    ids=["held", "young", "lapsed", "left"],
)
def test_the_clock_of_the_host_closes_nothing(acme, monkeypatch, ahead, age, lease, becomes):
    now = timezone.now()
    held = {} if lease is None else {"owner": uuid4(), "lease_expires": now + lease}
    call = _made(acme, state="ringing", started_at=now - age, answered_at=None, **held)
    monkeypatch.setattr(timezone, "now", lambda: now + ahead)
    with tenant_scope(acme.id):
        calls.close_abandoned()
        found = Call.objects.get(pk=call.pk)
    assert found.state == becomes
    assert found.ended_at is None or abs(found.ended_at - now) < MINUTE


@pytest.mark.parametrize(
    "meanwhile",
    [{"owner": UUID(int=1)}, {"state": "ended"}, {"answered_at": datetime(2026, 3, 1, tzinfo=UTC)}],
    ids=["taken", "ended", "answered"],
)
def test_a_call_that_somebody_took_meanwhile_is_left_to_it(acme, monkeypatch, meanwhile):
    now = timezone.now()
    call = _made(acme, state="ringing", started_at=now - 10 * MINUTE, answered_at=None, owner=None)
    close = calls._close

    def late(*given):
        Call.objects.filter(pk=call.pk).update(lease_expires=now + MINUTE, **meanwhile)
        return close(*given)

    monkeypatch.setattr(calls, "_close", late)
    with tenant_scope(acme.id):
        assert calls.close_abandoned() == 0
        assert Call.objects.get(pk=call.pk).state == meanwhile.get("state", "ringing")
