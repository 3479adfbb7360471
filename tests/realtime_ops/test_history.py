"""The month before: stored like any other call, once, for its tenant alone, and no news to the Live page."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from calls.actions import past as store
from calls.domain.states import LIVE
from calls.models import Call, CallEvent, TenantStream, TokenUsage, Turn
from calls.tenancy import tenant_scope
from realtime_ops import history
from tests import factories

NUMBER = "+442079460100"


@pytest.fixture
def shop(committed_db):
    """A tenant with one number that is answered."""
    tenant = factories.make_tenant("shop", timezone="Europe/London")
    factories.make_account(tenant)
    factories.make_route(factories.make_agent(tenant, model="gpt-realtime-2.1"), NUMBER)
    return tenant


def _write(days: int = 2) -> int:
    return history.write({"shop": {NUMBER: "billing"}, "nobody": {}}, days=days, share=0.1)


def test_each_day_is_written_once_and_whole(shop):
    written = _write()
    assert written > 0
    assert _write() == 0
    yesterday = timezone.localdate(timezone=ZoneInfo("Europe/London")) - timedelta(days=1)
    with tenant_scope(shop.id):
        calls = list(Call.objects.all())
        assert len(calls) == written
        assert max(timezone.localdate(call.started_at, ZoneInfo("Europe/London")) for call in calls) == yesterday
        assert not {call.state for call in calls} & set(LIVE)
        assert all(call.ended_at and call.owner is None and call.agent and call.instruction_version for call in calls)
        assert all(call.last_seq == CallEvent.objects.filter(call=call).count() for call in calls)
        assert Turn.objects.exists()
        assert TokenUsage.objects.filter(complete=True).exists()
        assert TenantStream.objects.get().last_seq == 0
    assert _write(days=3) > 0  # a later start adds what is missing


def test_a_day_that_was_half_stored_is_written_again(shop):
    _write(days=1)
    with tenant_scope(shop.id):
        call = Call.objects.order_by("pk").first()
        Call.objects.filter(pk=call.pk).update(owner=call.code)
    assert _write(days=1) > 0
    with tenant_scope(shop.id):
        assert not Call.objects.filter(pk=call.pk).exists()
        assert not Call.objects.filter(owner__isnull=False).exists()


def test_another_tenants_past_is_not_ours(shop):
    _write(days=1)
    other = factories.make_tenant()
    with tenant_scope(other.id):
        assert not store.known("rtc_sample_")
        assert not Call.objects.exists()
