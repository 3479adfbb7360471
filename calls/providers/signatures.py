"""Decides whether a webhook delivery is believed. Reads no clock, no database; never tells which check failed
to whom.

Strict, cheap checks of our own come first: the SDK takes `int("1_750")` for a timestamp and raises a
TypeError on a non-ASCII signature. The signature itself is judged by the openai SDK, once per secret, by a
constant-time comparison. Whatever it raises is a rejection: a hostile header must be a 400, never a 500
(openai 3.52 raises ValueError, TypeError, binascii.Error or UnicodeDecodeError, depending on the garbage).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from openai import OpenAI

from calls.exceptions import WebhookRejected

TOLERANCE_SECONDS = 300
"""Age, either way, of a delivery attempt (Standard Webhooks; the SDK's own default)"""

_ANY_AGE = 10**15
"""Given to the SDK: the window is ours to judge, by the caller's clock"""
_PREFIX = "whsec_"
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURES = re.compile(r"[!-~]{1,128}( [!-~]{1,128}){0,9}")
_V1 = re.compile(r"v1,[A-Za-z0-9+/]{43}=")


@dataclass(frozen=True, slots=True)
class Delivery:
    """The three headers of one attempt, well-formed and in time, not yet believed."""

    webhook_id: str
    timestamp: str
    """As sent: leading zeros are signed too"""
    signatures: str

    @property
    def attempted_at(self) -> int:
        """Unix seconds of this attempt: it moves forward when the sender tries again."""
        return int(self.timestamp)


def read(headers: Mapping[str, str], now: float) -> Delivery:
    """Check the form and the age of the headers: what can be told without a secret. Raises
    WebhookRejected."""
    found = _webhook_headers(headers)
    webhook_id, timestamp, signatures = (found.get(name, "") for name in ("id", "timestamp", "signature"))
    if not _ID.fullmatch(webhook_id):
        raise WebhookRejected("webhook-id")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise WebhookRejected("webhook-timestamp")
    if abs(int(now) - int(timestamp)) > TOLERANCE_SECONDS:
        raise WebhookRejected("out of its time window")
    if not _SIGNATURES.fullmatch(signatures):
        raise WebhookRejected("webhook-signature")
    # Other versions (v1a, …) may stand beside ours; nothing but v1 can match.
    ours = " ".join(part for part in signatures.split(" ") if _V1.fullmatch(part))
    if not ours:
        raise WebhookRejected("no v1 signature")
    return Delivery(webhook_id, timestamp, ours)


def verify(body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: float) -> str:
    """Return the webhook id of a delivery that one of the secrets signed. Raises WebhookRejected, and nothing
    else.

    `now` is Unix seconds. Every secret is tried, also after one matched, so that the time does not tell which
    did.
    """
    delivery = read(headers, now)
    signed = {
        "webhook-id": delivery.webhook_id,
        "webhook-timestamp": delivery.timestamp,
        "webhook-signature": delivery.signatures,
    }
    matches = [_matches(body, signed, secret) for secret in secrets]
    if not any(matches):
        raise WebhookRejected("signature")
    return delivery.webhook_id


def _matches(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    if not _has_key(secret):
        return False
    try:
        _sdk().webhooks.verify_signature(body, headers, secret=secret, tolerance=_ANY_AGE)
    except Exception:  # noqa: BLE001  whatever hostile input does inside the SDK means: not believed
        return False
    return True


def _has_key(secret: str) -> bool:
    """Whether anything is left to sign with: the SDK reads `whsec_%%%` as an empty key, which everybody has."""
    if not secret.startswith(_PREFIX):
        return bool(secret)
    try:
        return bool(base64.b64decode(secret.removeprefix(_PREFIX), validate=True))
    except ValueError:
        return False


def _webhook_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """`webhook-…` headers by the rest of their name; senders differ in case (Azure's page shows
    `Webhook-ID`)."""
    return {
        name.lower().removeprefix("webhook-"): value
        for name, value in headers.items()
        if name.lower().startswith("webhook-")
    }


@cache
def _sdk() -> OpenAI:
    """Only a holder of `verify_signature`: it makes no request, and the SDK refuses to exist without a
    key."""
    return OpenAI(api_key="verifies-only", webhook_secret="")
