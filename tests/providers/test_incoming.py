"""Bodies of webhooks: what is understood, what is ignored, what is refused; and numbers as trunks write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.exceptions import WebhookRejected
from calls.providers.incoming import IncomingCall, OtherEvent, number, overlaps, parse, route_for, same_pattern

AT = 1_800_000_000
EVENT = {
    "object": "event",
    "id": "evt_1",
    "type": "realtime.call.incoming",
    "created_at": AT - 10,
    "data": {
        "call_id": "rtc_u0_1",
        "sip_headers": [
            {"name": "From", "value": '"Ann" <sip:+14255550100@host>;tag=1'},
            {"name": "To", "value": "<sip:+14255550123@sip.api.openai.com>"},
        ],
        "sip_media_security": "srtp",
    },
}


def read(**changes):
    return parse(json.dumps({**EVENT, **changes}).encode(), AT)


def with_data(**changes):
    return read(data={**EVENT["data"], **changes})


def with_headers(*pairs):
    return with_data(sip_headers=[{"name": name, "value": value} for name, value in pairs])


def test_an_incoming_call_is_understood():
    call = read()
    assert isinstance(call, IncomingCall)
    assert (call.call_id, call.event_id, call.media_security) == ("rtc_u0_1", "evt_1", "srtp")
    assert (call.from_number, call.to_number) == ("+14255550100", "+14255550123")
    assert call.created_at == datetime.fromtimestamp(AT - 10, UTC)
    assert call.attempted_at == datetime.fromtimestamp(AT, UTC)
    assert call.sip_headers[0] == ("From", '"Ann" <sip:+14255550100@host>;tag=1')
    assert "4255550100" not in repr(call.body.get("none")) and "sip_headers" not in repr(call)


@pytest.mark.parametrize("kind", ["live.transport.incoming", "response.completed", "realtime.call.ended", "x"])
def test_any_other_type_is_an_event_to_ignore(kind):
    event = read(type=kind)
    assert isinstance(event, OtherEvent)
    assert (event.type, event.event_id) == (kind, "evt_1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff",
        b"{}",
        b'{"type":7}',
        b'{"type":""}',
        b'{"type":"\\u0000"}',
        b'{"type":"realtime.call.incoming"}',
        b'{"type":"realtime.call.incoming","data":[]}',
        b'{"type":"realtime.call.incoming","data":{"call_id":7}}',
        b'{"type":"realtime.call.incoming","data":{"call_id":"\\u0000"}}',
        b'{"type":"realtime.call.incoming","data":{"call_id":"' + b"x" * 201 + b'"}}',
        b"[" * 60_000,
        b'{"type":"x","data":' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"type":"x","n":' + b"9" * 5_000 + b"}",
    ],
)
def test_what_is_no_event_is_rejected(body):
    with pytest.raises(WebhookRejected):
        parse(body, AT)


@pytest.mark.parametrize("value", [None, "1800000000", True, 0, -5, AT + 301, AT * 1000, 1e400, "x", [], 1e300])
def test_without_a_credible_time_the_attempt_counts(value):
    assert read(created_at=value).created_at == datetime.fromtimestamp(AT, UTC)


def test_without_any_time_the_attempt_counts():
    event = {name: value for name, value in EVENT.items() if name != "created_at"}
    assert parse(json.dumps(event).encode(), AT).created_at == datetime.fromtimestamp(AT, UTC)


def test_an_old_event_keeps_its_time():
    assert read(created_at=AT - 86_400).created_at == datetime.fromtimestamp(AT - 86_400, UTC)


def test_what_postgresql_cannot_store_is_removed():
    body = b'{"type":"x","a\\u0000":"b\\u0000\\ud800","n":NaN,"i":1e999,"l":[-Infinity]}'
    assert parse(body, AT).body == {"type": "x", "a": "b?", "n": None, "i": None, "l": [None]}


def test_credentials_are_not_kept():
    secret = ["Authorization", "proxy-authorization", "X-Auth-Token", "Cookie", "X-API-Key", "Identity"]
    call = with_headers(("From", "sip:1@h"), *((name, "hunter2") for name in secret), ("X-Shop", "7"))
    assert [name for name, _ in call.sip_headers] == ["From", "X-Shop"]
    assert "hunter2" not in json.dumps(call.body)


@pytest.mark.parametrize("headers", [None, 7, "x", {}, [None], [[]], [{}], [{"name": 1, "value": 2}]])
def test_headers_of_any_shape_are_survived(headers):
    call = with_data(sip_headers=headers)
    assert (call.from_number, call.to_number, call.sip_headers) == ("", "", ())


def test_lengths_are_capped():
    call = with_headers(("From", "a" * 5_000), *((f"X-{n}", "v" * 5_000) for n in range(500)))
    assert len(call.from_number) <= 120
    assert len(call.sip_headers) == 100
    assert max(len(value) for _, value in call.sip_headers) == 1_000
    assert len(read(id="e" * 999).event_id) == 128
    assert len(read(type="t" * 999).type) == 80


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("FROM", "sip:+1425@h")], "+1425"),
        ([("f", "sip:+1425@h")], "+1425"),
        ([("From", "sip:anonymous@anonymous.invalid"), ("from", "sip:+1425@h")], "+1425"),
        ([("From", "sip:+1@h"), ("From", "sip:+2@h")], "+1"),
        ([("X-From", "sip:+1@h")], ""),
    ],
)
def test_the_right_header_is_found(pairs, expected):
    assert with_headers(*pairs).from_number == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("sip:+14255550123@host", "+14255550123"),
        ("SIP:+14255550123@host;user=phone", "+14255550123"),
        ("sips:+14255550123@host:5061", "+14255550123"),
        ("<sip:+14255550123@host>;tag=9", "+14255550123"),
        ('"Ann B" <sip:+14255550123@host>', "+14255550123"),
        ('"<sip:+999@evil>" <sip:+14255550123@host>', "+14255550123"),
        ('"a \\" <sip:+999@evil>" <sip:+14255550123@host>', "+14255550123"),
        ("Ann <sip:+14255550123@host>", "+14255550123"),
        ('"Ann <sip:+14255550123@host>', "+14255550123"),
        ("tel:+1-425-555-0123", "+14255550123"),
        ("<tel:+1(425)555.0123;ext=7>", "+14255550123"),
        ("sip:+14255550123;phone-context=x@host", "+14255550123"),
        ("sip:+14255550123:password@host", "+14255550123"),
        ("sip:%2B14255550123@host", "+14255550123"),
        ("sip:004930123456@host", "+4930123456"),
        ("sip:14255550123@host", "14255550123"),
        ("sip:0049@host", "0049"),
        ("sip:*98#@host", "*98#"),
        ("+1 (425) 555-0123", "+14255550123"),
        ("sip:anonymous@anonymous.invalid", ""),
        ('"Anonymous" <sip:Anonymous@host>', ""),
        ("sip:Restricted@h", ""),
        ("sip:proj_abc@sip.api.openai.com", "proj_abc"),
        ("sip:alice@host", "alice"),
        ("", ""),
        ("<>", ""),
        ("<<<>>>", ""),
    ],
)
def test_numbers(address, expected):
    assert number(address) == expected


@given(st.text(max_size=300))
def test_no_address_breaks_the_reader(address):
    found = number(address)
    assert len(found) <= 120
    assert "\0" not in found


@pytest.mark.parametrize(
    ("dialled", "patterns", "winner"),
    [
        ("+14255550123", ["*", "+1*", "+1425*", "+14255550123"], "+14255550123"),
        ("+14255550199", ["*", "+1*", "+1425*", "+14255550123"], "+1425*"),
        ("+4930", ["*", "+1*"], "*"),
        ("+4930", ["+1*", "+49"], None),
        ("+14255550123", ["+1 (425) 555-0123"], "+1 (425) 555-0123"),
        ("14255550123", ["+14255550123"], "+14255550123"),
        ("0014255550123", ["14255550123"], "14255550123"),
        ("+14255550123", ["sip:+14255550123@host"], "sip:+14255550123@host"),
        ("proj_ABC", ["proj_abc"], "proj_abc"),
        ("", ["*"], "*"),
        ("", ["", "+1"], None),
        ("+1", [], None),
        ("+1425", ["+1425*"], "+1425*"),
    ],
)
def test_routes(dialled, patterns, winner):
    index = route_for(dialled, patterns)
    assert (None if index is None else patterns[index]) == winner
    turned = list(reversed(patterns))
    index = route_for(dialled, turned)
    assert (None if index is None else turned[index]) == winner


def test_patterns_are_the_same_however_they_are_written():
    assert same_pattern("+4930*", ["*", "4930*"]) == "4930*"
    assert same_pattern("+4930", ["*", "4930*"]) is None


def test_of_overlapping_patterns_the_narrower_win():
    patterns = ["*", "+44*", "+4420*", "+442079460100", "+49*"]
    found = dict(zip(patterns, overlaps(patterns), strict=True))
    assert found["*"] == (["+44*", "+4420*", "+442079460100", "+49*"], [])
    assert found["+4420*"] == (["+442079460100"], ["*", "+44*"])
    assert found["+442079460100"] == ([], ["*", "+44*", "+4420*"])
    assert found["+49*"] == ([], ["*"])
