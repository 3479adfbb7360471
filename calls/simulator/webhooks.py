"""Tells a tenant of an incoming call: builds, signs and delivers the webhook, and tries again.

Takes any 2xx for an answer and does not look at the body, as the provider does.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
import orjson

from calls.simulator.clock import Clock
from calls.simulator.faults import Faults
from calls.simulator.identifiers import Mint
from calls.simulator.ledger import Ledger
from calls.simulator.wire import Json

ATTEMPTS = 7
FIRST_RETRY_SECONDS = 1.0
ANSWER_WITHIN_SECONDS = 10
USER_AGENT = "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)"


@dataclass(frozen=True, slots=True)
class Account:
    """One tenant's account at the provider."""

    webhook_url: str
    webhook_secret: str
    api_key: str
    numbers: tuple[str, ...]
    trades: Mapping[str, str] = field(default_factory=dict)
    """Number → the desk that answers it (billing, booking, triage, telecoms); any desk where it is not named"""
    weight: int = 1
    """Its share of the calls"""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the webhook says of a call."""

    call_id: str
    caller: str
    caller_name: str
    dialled: str
    account: Account


def body(invitation: Invitation, created_at: int, mint: Mint) -> Json:
    headers = {
        "From": f'"{invitation.caller_name}" <sip:{invitation.caller}@trunk.example.net>;tag={mint.word(10)}',
        "To": f"<sip:{invitation.dialled}@sip.api.openai.com>",
        "Call-ID": f"{mint.word(22)}@trunk.example.net",
        "CSeq": "1 INVITE",
        "Max-Forwards": "68",
        "Content-Type": "application/sdp",
    }
    return {
        "object": "event",
        "id": mint.webhook_event(),
        "type": "realtime.call.incoming",
        "created_at": created_at,
        "data": {
            "call_id": invitation.call_id,
            "sip_headers": [{"name": name, "value": value} for name, value in headers.items()],
            "sip_media_security": "srtp",
        },
    }


def signed(secret: str, delivery_id: str, timestamp: int, payload: bytes) -> dict[str, str]:
    """The Standard Webhooks headers of one attempt."""
    prefixed = secret.startswith("whsec_")
    key = base64.b64decode(secret.removeprefix("whsec_")) if prefixed else secret.encode()
    text = f"{delivery_id}.{timestamp}.".encode() + payload
    signature = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


class Courier:
    """Delivers invitations until they are taken, bounded."""

    def __init__(self, http: aiohttp.ClientSession, ledger: Ledger) -> None:
        self._http = http
        self._ledger = ledger

    async def deliver(self, invitation: Invitation, clock: Clock, faults: list[Faults]) -> None:
        def fault(name: str) -> Json | None:
            return next((found for one in faults if (found := one.take(name)) is not None), None)

        mint = Mint()
        old = fault("webhook_old")
        age = 0.0 if old is None else float(old.get("age_s", 600))
        payload = orjson.dumps(body(invitation, int(time.time() - age), mint))
        if (late := fault("webhook_late")) is not None:
            await clock.sleep(float(late.get("delay_s", 20)))
        if (shuffled := fault("webhook_shuffled")) is not None:
            await clock.sleep(random.uniform(0, float(shuffled.get("within_s", 3))))
        first = mint.delivery()
        if (doubled := fault("webhook_doubled")) is not None:
            copies = int(doubled.get("copies", 2))
            ids = [first] + [mint.delivery() if doubled.get("new_id") else first for _ in range(copies - 1)]
            await asyncio.gather(*(self._insist(invitation, one, payload, clock) for one in ids))
        else:
            await self._insist(invitation, first, payload, clock)

    async def _insist(self, invitation: Invitation, delivery_id: str, payload: bytes, clock: Clock) -> None:
        wait = FIRST_RETRY_SECONDS
        for attempt in range(1, ATTEMPTS + 1):
            status = await self._attempt(invitation, delivery_id, payload)
            self._ledger.write("webhook", id=delivery_id, call_id=invitation.call_id, attempt=attempt, status=status)
            if status is not None and 200 <= status < 300:
                return
            await clock.sleep(wait)
            wait *= 2

    async def _attempt(self, invitation: Invitation, delivery_id: str, payload: bytes) -> int | None:
        account = invitation.account
        headers = signed(account.webhook_secret, delivery_id, int(time.time()), payload)
        try:
            async with self._http.post(
                account.webhook_url,
                data=payload,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN_SECONDS),
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None
