"""Which deliveries are believed: a table, and the openai SDK as the judge of good ones."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from calls.exceptions import WebhookRejected
from calls.providers import signatures

NOW = 1_800_000_000.5
BODY = b'{"type":"realtime.call.incoming"}'
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
OLD = "whsec_" + base64.b64encode(b"fedcba9876543210fedcba9876543210").decode()
RAW = "no prefix: used as it is"


def sign(secret: str = SECRET, *, wid: str = "wh_1", at: int | str = int(NOW), body: bytes = BODY) -> str:
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    digest = hmac.new(key, f"{wid}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def headers(signature: str | None = None, *, wid: str = "wh_1", at: int | str = int(NOW)) -> dict[str, str]:
    signature = sign(wid=wid, at=at) if signature is None else signature
    return {"webhook-id": wid, "webhook-timestamp": str(at), "webhook-signature": signature}


GOOD = {
    "plain": (headers(), [SECRET]),
    "header names in another case": ({k.title(): v for k, v in headers().items()}, [SECRET]),
    "the previous secret": (headers(sign(OLD)), [SECRET, OLD]),
    "signed with both": (headers(f"{sign(OLD)} {sign()}"), [SECRET]),
    "another version beside ours": (headers(f"v1a,AAAA {sign()}"), [SECRET]),
    "a secret without prefix": (headers(sign(RAW)), [RAW]),
    "a broken secret beside a good one": (headers(), ["whsec_%%%", "", "whsec_", SECRET]),
    "the oldest that passes": (headers(at=int(NOW) - 300), [SECRET]),
    "the newest that passes": (headers(at=int(NOW) + 300), [SECRET]),
    "leading zero, as signed": (headers(at=f"0{int(NOW)}"), [SECRET]),
    "the longest id": (headers(wid="w" * 128), [SECRET]),
}
BAD = {
    "no headers": {},
    "no id": {k: v for k, v in headers().items() if k != "webhook-id"},
    "no timestamp": {k: v for k, v in headers().items() if k != "webhook-timestamp"},
    "no signature": {k: v for k, v in headers().items() if k != "webhook-signature"},
    "empty id": headers(wid=""),
    "id too long": headers(wid="w" * 129),
    "id with a space": headers(wid="wh 1"),
    "id with a newline at its end": headers(wid="wh_1\n"),
    "id with a dot": headers(wid="wh.1"),
    "301 s old": headers(at=int(NOW) - 301),
    "301 s early": headers(at=int(NOW) + 301),
    "underscored time": headers(at="1_800_000_000"),
    "signed time": headers(at=f"+{int(NOW)}"),
    "time with a fraction": headers(at="1800000000.0"),
    "time in milliseconds": headers(at="1800000000000"),
    "arabic digits": headers(at="١٨٠٠٠٠٠٠٠٠"),
    "time with a newline": headers(at=f"{int(NOW)}\n"),
    "not a number": headers(at="now"),
    "wrong secret": headers(sign("whsec_" + base64.b64encode(b"x" * 32).decode())),
    "old secret after the rotation": headers(sign(OLD)),
    "empty secret": headers(sign("whsec_")),
    "other id signed": headers(sign(wid="wh_2")),
    "other time signed": headers(sign(at=int(NOW) - 1)),
    "other body signed": headers(sign(body=b"{}")),
    "no version": headers(sign()[3:]),
    "version 2": headers("v2," + sign()[3:]),
    "capital version": headers("V1," + sign()[3:]),
    "no padding": headers(sign().rstrip("=")),
    "url-safe alphabet": headers("v1," + "-_" * 21 + "a="),
    "comma instead of space": headers(f"{sign(OLD)},{sign()}"),
    "double space": headers(f"{sign(OLD)}  {sign()}"),
    "non-ASCII signature": headers("v1,é" + sign()[4:]),
    "surrogate in the signature": headers("v1,\udcff" + sign()[4:]),
    "NUL": headers(sign() + "\0"),
    "empty signature": headers(""),
    "only the version": headers("v1,"),
    "eleven signatures": headers(" ".join([sign(OLD)] * 10 + [sign()])),
    "a huge signature": headers("v1," + "A" * 100_000),
}


@pytest.mark.parametrize("case", GOOD)
def test_believed(case):
    given, secrets = GOOD[case]
    expected = given.get("webhook-id") or given["Webhook-Id"]
    assert signatures.verify(BODY, given, secrets, NOW) == expected


@pytest.mark.parametrize("case", BAD)
def test_rejected(case):
    with pytest.raises(WebhookRejected):
        signatures.verify(BODY, BAD[case], [SECRET], NOW)


@pytest.mark.parametrize("secrets", [[], [""], ["whsec_"], ["whsec_%%%"], ["whsec_é"], ["é"]])
def test_without_a_usable_secret_nothing_is_believed(secrets):
    with pytest.raises(WebhookRejected):
        signatures.verify(BODY, headers(), secrets, NOW)
    with pytest.raises(WebhookRejected):
        signatures.verify(BODY, headers(sign("whsec_")), secrets, NOW)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"", b"\x00" * 10])
def test_bytes_that_are_no_text_do_not_break_it(body):
    with pytest.raises(WebhookRejected):
        signatures.verify(body, headers(), [SECRET], NOW)


def test_every_secret_is_tried_even_after_a_match(monkeypatch):
    tried = []
    judge = signatures._matches

    def watched(body, given, secret):
        tried.append(secret)
        return judge(body, given, secret)

    monkeypatch.setattr(signatures, "_matches", watched)
    signatures.verify(BODY, headers(), [SECRET, OLD, RAW], NOW)
    assert tried == [SECRET, OLD, RAW]


def test_a_rejection_quotes_nothing():
    for given in BAD.values():
        with pytest.raises(WebhookRejected) as rejection:
            signatures.verify(BODY, given, [SECRET], NOW)
        assert SECRET[6:] not in str(rejection.value)
        assert not given.get("webhook-signature") or given["webhook-signature"] not in str(rejection.value)
