"""The address of deliveries, through the real view: what is believed, refused, repeated; and ten thousand mutations."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import random
import threading
import time
from collections import Counter

import pytest
from django.db import OperationalError, connection
from django.test import RequestFactory

from calls import dispatch
from calls.models import Call, ProviderAccount, WebhookEvent
from calls.tenancy import tenant_scope
from calls.web import webhooks
from tests import factories

KEYS = [base64.b64encode(bytes([number]) * 32).decode() for number in range(1, 6)]
SECRET, OLD = (f"whsec_{key}" for key in KEYS[:2])
FROM = "+14155550100"


@pytest.fixture(autouse=True)
def nudges(monkeypatch):
    asked = []
    monkeypatch.setattr(dispatch, "attach", asked.append)
    return asked


@pytest.fixture
def clock():
    """The allowances' clock, which stands still until it is moved."""
    return [0.0]


@pytest.fixture(autouse=True)
def gate(monkeypatch, clock):
    """Allowances of this test's own; no address was asked for yet."""
    monkeypatch.setattr(webhooks, "_gate", webhooks._Gate(lambda: clock[0]))
    return webhooks._gate


@pytest.fixture
def account(acme):
    return factories.make_account(acme, webhook_secret=SECRET)


def body(call_id="rtc_1", *, kind="realtime.call.incoming", at=None, to="+14255550123"):
    headers = [{"name": "From", "value": f"<sip:{FROM}@h>"}, {"name": "To", "value": f"<sip:{to}@h>"}]
    return json.dumps(
        {
            "object": "event",
            "id": "evt_1",
            "type": kind,
            "created_at": int(at or time.time()),
            "data": {"call_id": call_id, "sip_headers": headers},
        }
    ).encode()


def signed(payload, secret=SECRET, *, wid="wh_1", at=None):
    """Standard Webhooks, as in the openai SDK's own tests (tests/lib/test_webhooks)."""
    at = str(int(at or time.time()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{wid}.{at}.".encode() + payload, hashlib.sha256).digest()
    return {
        "webhook-id": wid,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def deliver(account, payload=None, headers=None, *, token=None, secret=SECRET, method="post", **extra):
    payload = body() if payload is None else payload
    headers = signed(payload, secret) if headers is None else headers
    request = RequestFactory().generic(
        method.upper(), "/webhooks/openai/x/", payload, content_type="application/json", headers=headers, **extra
    )
    return webhooks.openai(request, account.path_token if token is None else token)


def rows(tenant):
    with tenant_scope(tenant.id):
        return Call.objects.count(), WebhookEvent.objects.count()


def test_a_delivery_is_taken_through_the_whole_site(client, acme, account, nudges):
    payload = body()
    answer = client.post(
        f"/webhooks/openai/{account.path_token}/",
        data=payload,
        content_type="application/json",
        headers=signed(payload),
    )
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert rows(acme) == (1, 1)
    assert len(nudges) == 1


def test_a_repeated_delivery_is_a_success_too(acme, account, nudges):
    assert [deliver(account).status_code for _ in range(3)] == [200] * 3
    assert rows(acme) == (1, 1)
    assert len(nudges) == 1


def test_an_old_call_and_an_unknown_type_are_successes_too(acme, account, nudges):
    assert deliver(account, body(at=time.time() - 600)).status_code == 200
    other = body(kind="live.transport.incoming")
    assert deliver(account, other, signed(other, wid="wh_2")).status_code == 200
    with tenant_scope(acme.id):
        assert Call.objects.get().state == "missed"
        verdicts = set(WebhookEvent.objects.values_list("verdict", flat=True))
    assert verdicts == {"missed", "ignored"}
    assert nudges == []


@pytest.mark.parametrize("provider", [-290, -100, 100, 290], ids=lambda shift: f"provider {shift:+} s")
@pytest.mark.parametrize(("late", "state"), [(1, "ringing"), (40, "ringing"), (50, "missed"), (600, "missed")])
def test_how_late_a_call_is_announced_is_told_by_the_senders_clock(acme, account, provider, late, state):
    """Also where our own clock is minutes ahead of it or behind."""
    sent = time.time() + provider
    payload = body(at=sent - late)
    assert deliver(account, payload, signed(payload, at=sent)).status_code == 200
    with tenant_scope(acme.id):
        call = Call.objects.get()
    assert call.state == state
    assert call.ended_at is None or (call.ended_at - call.started_at).total_seconds() == pytest.approx(late, abs=1)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "v1,é"},
        {"webhook-signature": ""},
        {"webhook-id": "../x"},
        {"webhook-timestamp": "1_800"},
        pytest.param({"webhook-timestamp": str(int(time.time()) - 10_000)}, id="old"),
    ],
    ids=str,
)
def test_every_rejection_looks_the_same(acme, account, change):
    answer = deliver(account, headers={**signed(body()), **change})
    assert (answer.status_code, answer.content) == (400, b"rejected\n")
    assert rows(acme) == (0, 0)


def test_a_signed_body_that_is_no_event_is_rejected(account):
    for payload in (b"", b"{", b"[]", b"\xff\xfe", b'{"type":"realtime.call.incoming"}', b"[" * 60_000):
        assert deliver(account, payload).status_code == 400


@pytest.mark.parametrize("method", ["get", "put", "delete", "head", "options"])
def test_only_post(account, method):
    assert deliver(account, method=method).status_code == 405


@pytest.mark.parametrize("token", ["", "x", "0" * 64, "A" * 64, "é" * 64, "0" * 63, "../" * 20, "f" * 65])
def test_an_unknown_address(acme, account, token):
    assert deliver(account, token=token).status_code == 404


def test_the_tenant_alone_opens_nothing(acme, account):
    assert deliver(account, token=acme.id.hex + "0" * 32).status_code == 404


def test_a_body_over_the_limit_is_not_read(account):
    huge = b" " * (webhooks.BODY_LIMIT + 1)
    assert deliver(account, huge).status_code == 413
    assert deliver(account, huge, CONTENT_LENGTH="9" * 30).status_code == 413
    assert deliver(account, body(), CONTENT_LENGTH="many").status_code == 400
    exact = body().ljust(webhooks.BODY_LIMIT)
    assert deliver(account, exact).status_code == 200


def test_three_tenants_and_three_secrets_pass_on_the_diagonal_only(db):
    tenants = [factories.make_tenant() for _ in range(3)]
    secrets = [f"whsec_{key}" for key in KEYS[:3]]
    accounts = [
        factories.make_account(tenant, webhook_secret=secret) for tenant, secret in zip(tenants, secrets, strict=True)
    ]
    passed = [[deliver(one, secret=secret).status_code for secret in secrets] for one in accounts]
    assert passed == [[200 if row == column else 400 for column in range(3)] for row in range(3)]
    assert [rows(tenant) for tenant in tenants] == [(1, 1)] * 3


def test_a_secret_rotates_without_a_refused_delivery(acme):
    account = factories.make_account(acme, webhook_secret=SECRET, previous_webhook_secret=OLD)
    for number, secret in enumerate((SECRET, OLD)):
        payload = body(f"rtc_{number}")
        assert deliver(account, payload, signed(payload, secret, wid=f"wh_{number}")).status_code == 200
    assert deliver(account, secret=f"whsec_{KEYS[3]}").status_code == 400


def test_a_refused_delivery_is_counted_when_its_turn_and_transaction_are_over(account, monkeypatch):
    seen = []

    def count(*_):
        seen.append((webhooks._turns._value, len(connection.savepoint_ids)))

    monkeypatch.setattr(webhooks.refusals, "count", count)
    assert deliver(account, secret=f"whsec_{KEYS[3]}").status_code == 400
    assert seen == [(webhooks.TURNS, 0)]


def test_an_account_without_a_secret_believes_nobody(acme):
    account = factories.make_account(acme, webhook_secret="")
    assert deliver(account, secret="whsec_").status_code == 400


def test_a_secret_that_cannot_be_opened_asks_for_another_try(account, settings, caplog):
    settings.SEALING_KEY = base64.b64encode(b"k" * 32).decode()
    answer = deliver(account)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "SEALING_KEY" in caplog.records[0].reason


def test_one_secret_that_cannot_be_opened_does_not_stop_the_other(acme, account):
    with tenant_scope(acme.id):
        ProviderAccount.objects.update(previous_webhook_secret_sealed=b"\x01" * 60)
    assert deliver(account).status_code == 200


def test_without_a_database_the_sender_is_asked_to_come_again(account, monkeypatch):
    def away(tenant):
        raise OperationalError("connection to server at 10.0.0.7 failed for user x")

    monkeypatch.setattr(webhooks, "tenant_scope", away)
    answer = deliver(account)
    assert (answer.status_code, answer["Retry-After"], answer.content) == (503, "5", b"try again\n")


def test_a_crowd_is_asked_to_come_again(account, monkeypatch):
    monkeypatch.setattr(webhooks, "TURN_SECONDS", 0.01)
    monkeypatch.setattr(webhooks, "_turns", threading.BoundedSemaphore(1))
    with webhooks._turn():
        assert deliver(account).status_code == 503
    assert deliver(account).status_code == 200


def test_a_spoofed_number_of_another_tenant_stays_in_its_own(acme, globex, account):
    factories.make_route(factories.make_agent(globex), "+14255550123")
    assert deliver(account).status_code == 200
    with tenant_scope(acme.id):
        assert Call.objects.get().agent is None
    assert rows(globex) == (0, 0)


def test_logs_hold_no_number_no_key_and_no_header(account, caplog):
    with caplog.at_level(logging.DEBUG):
        deliver(account)
        deliver(account, secret=OLD)
        deliver(account, headers={})
    logged = " ".join(str(vars(record)) for record in caplog.records if record.name.startswith("calls"))
    assert logged
    for private in (FROM, SECRET, SECRET[6:], signed(body())["webhook-signature"], account.path_token):
        assert private not in logged


def test_five_hundred_genuine_deliveries_at_once_are_all_taken(acme, account):
    """By a process that has just started, so that it does not know the address."""
    for number in range(500):
        payload = body(f"rtc_{number}")
        assert deliver(account, payload, signed(payload, wid=f"wh_{number}")).status_code == 200
    assert rows(acme) == (500, 500)


def test_an_unsigned_flood_at_invented_addresses_costs_no_turns_and_no_known_tenant(
    account, monkeypatch, django_assert_num_queries
):
    assert deliver(account).status_code == 200
    answers = Counter(deliver(account, token=f"{number:064x}").status_code for number in range(webhooks.BURST + 99))
    assert answers == {404: webhooks.BURST - 1, 429: 100}
    monkeypatch.setattr(webhooks, "_turn", None)
    with django_assert_num_queries(0):
        answer = deliver(account, token="f" * 64)
    assert (answer.status_code, answer["Retry-After"], answer.content) == (429, "5", b"try again\n")


def test_a_flood_at_invented_addresses_leaves_known_ones_alone(account, gate):
    assert deliver(account).status_code == 200
    while gate.admits("0" * 64):
        pass
    assert deliver(account).status_code == 200


def test_a_flood_at_one_address_leaves_the_others_alone(account, globex, clock, gate):
    rival = factories.make_account(globex, webhook_secret=SECRET)
    for one in (account, rival):
        assert deliver(one).status_code == 200
    while gate.admits(rival.path_token):
        pass
    assert [deliver(one).status_code for one in (account, rival)] == [200, 429]
    clock[0] += 1
    assert sum(gate.admits(rival.path_token) for _ in range(100)) == webhooks.RATE
    assert deliver(rival).status_code == 429
    clock[0] += webhooks.RETRY_AFTER_SECONDS
    assert deliver(rival).status_code == 200


def test_an_allowance_does_not_grow_beyond_its_burst(account, clock, gate):
    assert deliver(account).status_code == 200
    clock[0] += 1_000_000
    assert sum(gate.admits(account.path_token) for _ in range(1_000)) == webhooks.BURST


def test_malformed_deliveries_are_refused_before_they_cost_an_allowance(account):
    for _ in range(webhooks.BURST + 1):
        assert deliver(account, headers={}).status_code == 400
        assert deliver(account, token="x").status_code == 404
    assert deliver(account).status_code == 200


def test_allowances_are_bounded_and_the_quietest_makes_room(gate, monkeypatch):
    monkeypatch.setattr(webhooks, "KNOWN_LIMIT", 3)
    for token in "abc":
        gate.learn(token, known=True)
    gate.admits("a")
    gate.learn("d", known=True)
    assert list(gate._known) == ["c", "a", "d"]
    for number in range(100):
        gate.learn(f"invented {number}", known=False)
    gate.learn("c", known=False)
    assert list(gate._known) == ["a", "d"]


def test_threads_share_an_allowance(gate):
    gate.learn("t", known=True)
    taken = []
    threads = [threading.Thread(target=lambda: taken.extend(gate.admits("t") for _ in range(200))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == webhooks.BURST


MUTATIONS = 10_000


def test_ten_thousand_mutations_are_neither_believed_nor_an_error(acme, account, gate, monkeypatch):
    """F25: any one bit of what was signed, any header, any garbage: 400, never 200, never 5xx."""
    dice = random.Random(20261121)
    payload = body()
    good = signed(payload)
    opened = webhooks._secrets(account)
    monkeypatch.setattr(webhooks, "_secrets", lambda _: opened)
    monkeypatch.setattr(gate, "admits", lambda *_: True)
    answers = Counter()
    with tenant_scope(acme.id):
        for number in range(MUTATIONS):
            mutant, headers = _mutate(dice, payload, dict(good))
            several = headers.get("webhook-signature", "").split(" ")
            beside = good["webhook-signature"] in several
            if beside and (mutant, {**headers, "webhook-signature": good["webhook-signature"]}) == (payload, good):
                continue  # nothing changed, or other signatures stand beside the good one: both are legal
            status = deliver(account, mutant, headers).status_code
            assert status in {400, 413}, (number, status, headers, mutant[:200])
            answers[status] += 1
    assert answers[400] > MUTATIONS * 0.9
    assert rows(acme) == (0, 0)
    assert deliver(account, payload, good).status_code == 200, "and the original still passes"


def _mutate(dice, payload, headers):
    kind = dice.randrange(8)
    name = dice.choice(list(headers))
    value = headers[name]
    if kind == 0:
        return _flip(dice, payload), headers
    if kind == 1:
        headers[name] = _flip(dice, value.encode()).decode("latin-1")
    elif kind == 2:
        place = dice.randrange(len(value) + 1)
        headers[name] = (
            value[:place] + dice.choice(["é", "\0", "٣", "\udcff", "_", "+", ",", " v1,x", "="]) + value[place:]
        )
    elif kind == 3:
        del headers[name]
    elif kind == 4:
        headers[name] = dice.choice(
            ["", "x" * 100_000, value * 2, value[:-1], value[1:], value.swapcase(), "1e9", "-1"]
        )
    elif kind == 5:
        start = dice.randrange(len(payload))
        return payload[:start] + dice.randbytes(dice.randrange(1, 20)) + payload[start:], headers
    elif kind == 6:
        return dice.choice(
            [b"", payload * 2, payload[:-1], payload + b"\n", b"\xff" * 70_000, dice.randbytes(50)]
        ), headers
    else:
        other = dice.choice(list(headers))
        headers[name], headers[other] = headers[other], value
    return payload, headers


def _flip(dice, text):
    altered = bytearray(text)
    altered[dice.randrange(len(altered))] ^= 1 << dice.randrange(8)
    return bytes(altered)
