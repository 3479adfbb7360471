"""Endpoints, transfer targets and the meaning of replies: tables."""

from __future__ import annotations

import pytest

from calls.exceptions import InvalidInput, ProviderBusy, ProviderGone, ProviderRefused
from calls.providers.base import CAPABILITIES, Account, key_headers
from calls.providers.control import failure, sideband_endpoint, transfer_target

KEY = "sk-proj-0123456789abcdefSECRET"
OPENAI = Account("https://api.openai.com/v1", KEY)
AZURE = Account("https://res.openai.azure.com/openai/v1/", KEY, "azure")


@pytest.mark.parametrize(
    ("base_url", "call_id", "url"),
    [
        ("https://api.openai.com/v1", "rtc_1", "wss://api.openai.com/v1/realtime?call_id=rtc_1"),
        ("https://api.openai.com/v1/", "rtc_1", "wss://api.openai.com/v1/realtime?call_id=rtc_1"),
        ("http://127.0.0.1:9000", "rtc_1", "ws://127.0.0.1:9000/realtime?call_id=rtc_1"),
        ("ws://gw/v1?tier=a&b=c#x", "rtc_1", "ws://gw/v1/realtime?tier=a&b=c&call_id=rtc_1"),
        ("https://h/v1", "a/b?c&d=e#f g%é", "wss://h/v1/realtime?call_id=a%2Fb%3Fc%26d%3De%23f%20g%25%C3%A9"),
    ],
)
def test_where_a_sideband_is_dialled(base_url, call_id, url):
    assert sideband_endpoint(Account(base_url, KEY), call_id).url == url


def test_the_key_travels_in_a_header_and_shows_nowhere():
    for account, name in (
        (OPENAI, "Authorization"),
        (AZURE, "api-key"),
        (Account("https://g", KEY, "gateway"), "Authorization"),
    ):
        endpoint = sideband_endpoint(account, "rtc_1")
        assert list(endpoint.headers) == [name]
        assert endpoint.headers == key_headers(account)
        assert endpoint.headers[name].endswith(KEY)
        assert KEY not in endpoint.url + repr(endpoint) + repr(account) + str(account)


@pytest.mark.parametrize(("base_url", "call_id"), [("ftp://h", "r"), ("h/v1", "r"), ("", "r"), ("https://h", "")])
def test_an_endpoint_needs_an_address_and_a_call(base_url, call_id):
    with pytest.raises(InvalidInput):
        sideband_endpoint(Account(base_url, KEY), call_id)


def test_every_kind_has_capabilities():
    assert set(CAPABILITIES) == {"openai", "azure", "gateway"}


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("+14155550123", "tel:+14155550123"),
        ("+1 (415) 555-0123", "tel:+14155550123"),
        ("0049 30 123456", "tel:+4930123456"),
        ("tel:+14155550123", "tel:+14155550123"),
        ("TEL:+1-415-555-0123", "tel:+14155550123"),
        ("tel:+14155550123;ext=22", "tel:+14155550123;ext=22"),
        ("  +4930123456 ", "tel:+4930123456"),
        ("sip:agent@example.com", "sip:agent@example.com"),
        ("SIPS:Agent.7@Example.com:5061;transport=tls", "sips:Agent.7@Example.com:5061;transport=tls"),
        ("sip:+14155550123@trunk.example.net;user=phone", "sip:+14155550123@trunk.example.net;user=phone"),
        ("sip:a@[2001:db8::1]:5060", "sip:a@[2001:db8::1]:5060"),
    ],
)
def test_transfer_targets(text, target):
    assert transfer_target(text) == target
    assert transfer_target(target) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "4155550123",
        "911",
        "tel:911",
        "+0123456789",
        "+1",
        "+1234567890123456",
        "tel:",
        "tel:+1415x",
        "tel:+14155550123;phone-context=x",
        "http://example.com",
        "javascript:alert(1)",
        "sip:",
        "sip:host-only.example",
        "sip:a@",
        "sip:a b@h",
        "sip:a@h?Replaces=x",
        "sip:a@h\r\nX: y",
        "sip:a@h>;x",
        "<sip:a@h>",
        "sip:a@h;" + "x" * 300,
        "+1415555012٣",
    ],
)
def test_targets_that_no_transfer_takes(text):
    with pytest.raises(InvalidInput) as refusal:
        transfer_target(text)
    assert refusal.value.field == "target"


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (404, ProviderGone, False),
        (410, ProviderGone, False),
        (408, ProviderBusy, True),
        (409, ProviderBusy, True),
        (429, ProviderBusy, True),
        (500, ProviderBusy, True),
        (503, ProviderBusy, True),
        (599, ProviderBusy, True),
        (400, ProviderRefused, False),
        (401, ProviderRefused, False),
        (403, ProviderRefused, False),
        (422, ProviderRefused, False),
        (418, ProviderRefused, False),
        (307, ProviderRefused, False),
    ],
)
def test_what_a_status_means(status, kind, retryable):
    error = failure(status, None, OPENAI)
    assert type(error) is kind
    assert (error.status, error.retryable, error.reason) == (status, retryable, f"HTTP {status}")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": {"message": "No session found", "code": "call_id_not_found"}}, "No session found"),
        ({"message": "No session found"}, "No session found"),
        ({"error": "nope"}, "nope"),
        ({"detail": []}, "HTTP 400"),
        ("plain\n words\0", "plain words"),
        ("<html>Bad gateway</html>", "HTTP 400"),
        ("", "HTTP 400"),
        ([1], "HTTP 400"),
        ({"message": f"key {KEY} is bad"}, "key [key] is bad"),
        ({"message": "Incorrect API key provided: sk-proj-****wxyz."}, "Incorrect API key provided: [key]"),
    ],
)
def test_the_reason_is_the_providers_own(body, reason):
    assert failure(400, body, OPENAI).reason == reason


def test_a_reason_is_capped():
    assert len(failure(400, "x" * 9_000, OPENAI).reason) == 500


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("2", 2.0), ("0.5", 0.5), ("99999", 3600.0), ("-1", None), ("soon", None), ("nan", None), (None, None)],
)
def test_retry_after(header, seconds):
    assert failure(429, None, OPENAI, retry_after=header).retry_after == seconds
