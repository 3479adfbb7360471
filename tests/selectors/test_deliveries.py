from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from calls.models import WebhookEvent
from calls.selectors import deliveries
from calls.tenancy import tenant_scope
from tests import factories

pytestmark = pytest.mark.django_db


def _deliver(account, number: int, *, call=None, verdict="ringing"):
    with tenant_scope(account.tenant_id):
        event = WebhookEvent.objects.create(
            account=account,
            webhook_id=f"wh_{number}",
            type="realtime.call.incoming",
            verdict=verdict,
            call=call,
            body={},
        )
        WebhookEvent.objects.filter(pk=event.pk).update(received_at=timezone.now() + timedelta(seconds=number))


def test_an_account_waits_until_its_first_event():
    account = factories.make_account(factories.make_tenant())
    with tenant_scope(account.tenant_id):
        assert deliveries.first_event(account) is None
        assert deliveries.latest(account) == []


def test_first_and_latest_events_of_this_account_alone():
    tenant = factories.make_tenant()
    ours, other = factories.make_account(tenant), factories.make_account(tenant)
    call = factories.make_call(tenant, account=ours)
    for number in (1, 2, 3):
        _deliver(ours, number, call=call if number == 1 else None, verdict="ringing" if number == 1 else "ignored")
    _deliver(other, 4)
    with tenant_scope(tenant.id):
        first = deliveries.first_event(ours)
        assert (first.call, first.verdict, first.type) == (call.code, "ringing", "realtime.call.incoming")
        assert [one.verdict for one in deliveries.latest(ours)] == ["ignored", "ignored", "ringing"]
        assert len(deliveries.latest(ours, limit=2)) == 2


def test_another_tenants_deliveries_do_not_show():
    account = factories.make_account(factories.make_tenant())
    _deliver(account, 1)
    with tenant_scope(factories.make_tenant().id):
        assert deliveries.first_event(account) is None
