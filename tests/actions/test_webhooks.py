"""What becomes of a verified delivery: rows, verdicts, routes, and who is told."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.utils import timezone

from calls import dispatch
from calls.actions import webhooks
from calls.models import Call, CallEvent, TenantEvent, WebhookEvent
from calls.providers import incoming
from calls.tenancy import tenant_scope
from tests import factories

DIALLED = "+14255550123"


@pytest.fixture
def account(acme):
    return factories.make_account(acme)


@pytest.fixture
def nudges(monkeypatch):
    """Calls that the workers were nudged for, at the time of asking: dispatch itself waits for the commit."""
    asked = []
    monkeypatch.setattr(dispatch, "attach", asked.append)
    return asked


def event(kind=incoming.INCOMING, *, call_id="rtc_1", to=DIALLED, age=1.0, **data):
    now = timezone.now().timestamp()
    headers = [
        {"name": "From", "value": "<sip:+14155550100@h>;tag=1"},
        {"name": "To", "value": f"<sip:{to}@sip.api.openai.com>"},
        {"name": "Authorization", "value": "Digest hunter2"},
    ]
    body = {
        "id": "evt_1",
        "type": kind,
        "created_at": now - age,
        "data": {"call_id": call_id, "sip_headers": headers, "sip_media_security": "srtp", **data},
    }
    return incoming.parse(json.dumps(body).encode(), now)


def receive(account, given=None, webhook_id="wh_1"):
    with tenant_scope(account.tenant_id):
        return webhooks.receive(account, given or event(), webhook_id=webhook_id)


def stored(tenant):
    with tenant_scope(tenant.id):
        return (
            list(Call.objects.select_related("agent", "account", "instruction_version").order_by("pk")),
            list(WebhookEvent.objects.select_related("call").order_by("pk")),
        )


def test_an_announced_call_rings(acme, account, nudges):
    agent = factories.make_agent(acme)
    factories.make_route(agent, DIALLED)
    assert receive(account) == "ringing"

    [call], [delivery] = stored(acme)
    assert (call.call_id, call.state, call.agent, call.account) == ("rtc_1", "ringing", agent, account)
    assert (call.from_number, call.to_number, call.media_security) == ("+14155550100", DIALLED, "srtp")
    assert call.instruction_version.text == "Be brief."
    assert timedelta() < timezone.now() - call.started_at < timedelta(seconds=10)
    assert (delivery.webhook_id, delivery.event_id, delivery.verdict) == ("wh_1", "evt_1", "ringing")
    assert (delivery.call, delivery.type, delivery.created_at) == (call, incoming.INCOMING, call.started_at)
    assert nudges == [call.pk]


def test_the_screens_hear_of_it(acme, account, nudges):
    receive(account)
    with tenant_scope(acme.id):
        [of_call], [of_tenant] = CallEvent.objects.all(), TenantEvent.objects.all()
    assert of_call.body["state"] == of_tenant.body["state"] == "ringing"


def test_credentials_in_sip_headers_are_not_stored(acme, account, nudges):
    receive(account)
    _, [delivery] = stored(acme)
    assert "hunter2" not in json.dumps(delivery.body)
    assert [header["name"] for header in delivery.body["data"]["sip_headers"]] == ["From", "To"]


def test_the_same_delivery_again_stops_at_once(acme, account, nudges):
    assert [receive(account), receive(account), receive(account)] == ["ringing", "duplicate", "duplicate"]
    calls, deliveries = stored(acme)
    assert (len(calls), len(deliveries), len(nudges)) == (1, 1, 1)


def test_the_same_call_under_another_id_is_linked_not_opened(acme, account, nudges):
    assert [receive(account), receive(account, webhook_id="wh_2")] == ["ringing", "duplicate_call"]
    [call], deliveries = stored(acme)
    assert [(delivery.verdict, delivery.call) for delivery in deliveries] == [
        ("ringing", call),
        ("duplicate_call", call),
    ]
    assert len(nudges) == 1


def test_the_same_ids_in_another_account_are_another_call(acme, globex, account, nudges):
    for other in (account, factories.make_account(acme), factories.make_account(globex)):
        assert receive(other) == "ringing"
    assert len(stored(acme)[0]) == 2
    assert len(stored(globex)[0]) == 1


def test_an_old_announcement_is_a_missed_call(acme, account, nudges):
    factories.make_route(factories.make_agent(acme))
    assert receive(account, event(age=600)) == "missed"
    [call], [delivery] = stored(acme)
    assert (call.state, call.end_reason, call.attachment) == ("missed", "too_old", "closed")
    assert call.agent is not None
    assert call.ended_at > call.started_at + timedelta(minutes=9)
    assert (delivery.verdict, delivery.call) == ("missed", call)
    assert nudges == []


@pytest.mark.parametrize(("age", "verdict"), [(40, "ringing"), (50, "missed"), (3 * 86_400, "missed")])
def test_the_age_that_counts_is_the_events_own(account, nudges, settings, age, verdict):
    settings.CALLS = {**settings.CALLS, "accept_max_age_s": 45}
    assert receive(account, event(age=age)) == verdict


def test_an_unrouted_call_rings_without_an_agent(acme, account, nudges):
    factories.make_route(factories.make_agent(acme), "+4930*")
    assert receive(account) == "ringing"
    [call], _ = stored(acme)
    assert (call.state, call.agent, call.instruction_version) == ("ringing", None, None)
    assert nudges == [call.pk]


def test_the_most_specific_route_wins(acme, account, nudges):
    agents = {}
    for pattern in ("*", "+1*", "+1 425*", "+14255550123"):
        agents[pattern] = factories.make_agent(acme)
        factories.make_route(agents[pattern], pattern)
    for number, (dialled, pattern) in enumerate(
        [(DIALLED, DIALLED), ("14255550123", DIALLED), ("+14259", "+1 425*"), ("+19", "+1*"), ("+49", "*")]
    ):
        receive(account, event(call_id=f"rtc_{number}", to=dialled), webhook_id=f"wh_{number}")
        with tenant_scope(acme.id):
            assert Call.objects.get(call_id=f"rtc_{number}").agent == agents[pattern], dialled


def test_a_version_published_later_does_not_change_the_call(acme, account, nudges):
    agent = factories.make_agent(acme)
    factories.make_route(agent)
    receive(account)
    factories.make_version(agent, "Be long.")
    receive(account, event(call_id="rtc_2"), webhook_id="wh_2")
    calls, _ = stored(acme)
    with tenant_scope(acme.id):
        assert [call.instruction_version.text for call in calls] == ["Be brief.", "Be long."]


def test_an_agent_without_a_published_version(acme, account, nudges):
    factories.make_route(factories.make_agent(acme, instructions=None))
    receive(account)
    [call], _ = stored(acme)
    assert call.agent is not None
    assert call.instruction_version is None


def test_a_dialled_number_of_another_tenant_stays_where_it_came_from(acme, globex, account, nudges):
    factories.make_route(factories.make_agent(globex), DIALLED)
    receive(account, event(to=DIALLED))
    [call], _ = stored(acme)
    assert (call.agent, call.tenant_id) == (None, acme.id)
    assert stored(globex) == ([], [])


@pytest.mark.parametrize("kind", ["live.transport.incoming", "realtime.call.ended", "batch.completed"])
def test_other_events_are_recorded_and_ignored(acme, account, nudges, kind):
    assert receive(account, event(kind)) == "ignored"
    calls, [delivery] = stored(acme)
    assert (calls, delivery.verdict, delivery.type, delivery.call) == ([], "ignored", kind, None)
    assert nudges == []


def test_hostile_text_is_stored_without_harm(acme, account, nudges):
    nasty = "\x00\ud800\u202e'; drop table calls_call; --" + "x" * 5_000
    given = event(to=nasty, call_id="rtc_\u202e", sip_media_security=nasty, extra={"n": float("inf")})
    assert receive(account, given) == "ringing"
    [call], _ = stored(acme)
    assert len(call.to_number) <= 120


def test_a_hundred_parallel_deliveries_make_one_call(committed_db, acme, account, monkeypatch):
    """Half of them the same delivery, half of them the same call under other ids."""
    monkeypatch.setattr(webhooks.feed, "publish", lambda group, message: None)
    verdicts = []
    start = threading.Barrier(20)

    def deliver(worker):
        try:
            start.wait()
            for attempt in range(5):
                name = "wh_same" if worker % 2 else f"wh_{worker}_{attempt}"
                verdicts.append(receive(account, event(), webhook_id=name))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    calls, deliveries = stored(acme)
    assert len(calls) == 1
    assert len(deliveries) == 51
    assert len(verdicts) == 100
    assert verdicts.count("ringing") == 1
    with tenant_scope(acme.id):
        assert CallEvent.objects.count() == TenantEvent.objects.count() == 1


def test_a_failure_leaves_nothing_behind(acme, account, nudges, monkeypatch):
    def fail(call):
        raise RuntimeError("feed")

    monkeypatch.setattr(webhooks.feed, "call_opened", fail)
    with pytest.raises(RuntimeError):
        receive(account)
    assert stored(acme) == ([], [])
    assert nudges == []


def test_times_are_kept_in_utc(acme, account, nudges):
    receive(account, event(age=10))
    [call], _ = stored(acme)
    assert call.started_at.tzinfo == UTC
    assert isinstance(call.started_at, datetime)


def test_a_call_beyond_the_tenants_limit_is_to_be_refused(acme, account, nudges):
    acme.calls_at_once = 1
    acme.save()
    assert receive(account, event(call_id="rtc_1"), "wh_1") == "ringing"
    assert receive(account, event(call_id="rtc_2"), "wh_2") == "refused"
    assert receive(account, event(call_id="rtc_3"), "wh_3") == "refused"  # refused ones take no place
    with tenant_scope(acme.id):
        assert list(Call.objects.order_by("pk").values_list("state", "end_reason")) == [
            ("ringing", ""),
            ("ringing", "busy"),
            ("ringing", "busy"),
        ]
        Call.objects.filter(call_id="rtc_1").update(state="ended")
    assert len(nudges) == 3  # a worker turns them away
    assert receive(account, event(call_id="rtc_4"), "wh_4") == "ringing"


def test_a_limit_of_nothing_closes_the_tenant_and_none_opens_it(acme, globex, account, nudges):
    acme.calls_at_once = 0
    acme.save()
    assert receive(account) == "refused"
    assert receive(factories.make_account(globex), event(call_id="rtc_9")) == "ringing"
