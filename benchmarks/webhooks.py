"""How long the sender of a webhook waits for its answer."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from calls.simulator import webhooks
from calls.simulator.identifiers import Mint

TIMEOUT_S = 10.0


def answer_times(accounts: Path, count: int) -> list[float]:
    """Seconds of `count` deliveries one after the other, each for a new call, over one connection.

    The calls are not at the provider: the workers find that out beside, as they would with callers who gave up.
    """
    known = json.loads(accounts.read_text())[0]
    account = webhooks.Account(
        webhook_url=known["webhook_url"],
        webhook_secret=known["webhook_secret"],
        api_key=known["api_key"],
        numbers=tuple(known["numbers"]),
    )
    address = urlsplit(account.webhook_url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=TIMEOUT_S)
    found = []
    for _ in range(count):
        mint = Mint()
        invitation = webhooks.Invitation(mint.call(), "+442079460001", "Bench", account.numbers[0], account)
        payload = orjson.dumps(webhooks.body(invitation, int(time.time()), mint))
        headers = webhooks.signed(account.webhook_secret, mint.delivery(), int(time.time()), payload)
        asked = time.perf_counter()
        connection.request("POST", address.path, payload, headers)
        response = connection.getresponse()
        response.read()
        found.append(time.perf_counter() - asked)
        assert response.status == 200, response.status
    connection.close()
    return found
