"""Webhooks that nobody sent: signed wrongly, too early, too late, altered, garbled."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from random import Random
from typing import Any
from urllib.parse import urlsplit

from calls.simulator.webhooks import signed
from tests.faults.scene import Scene

Letter = tuple[bytes, dict[str, str]]
OTHER_SECRET = "whsec_c29tZWJvZHktZWxzZXMtc2VjcmV0LTAwMDAwMDAx"


class Letters:
    """Of the address of an account."""

    def __init__(self, scene: Scene, number: int = 0) -> None:
        account: dict[str, Any] = json.loads((scene.rig.directory / "accounts.json").read_text())[number]
        self.numbers: list[str] = account["numbers"]
        self.url = urlsplit(account["webhook_url"])
        self.secret = account["webhook_secret"]
        self.key = f"{scene.seed}_{time.time_ns()}"

    def body(self) -> bytes:
        """Of an event that opens nothing."""
        event = {
            "object": "event",
            "id": f"evt_{self.key}",
            "type": "response.completed",
            "created_at": int(time.time()),
        }
        return json.dumps(event | {"data": {"id": "resp_1"}}).encode()

    def announcement(self, call_id: str) -> Letter:
        """Signed as it should be."""
        headers = {"From": "<sip:+4930111@trunk.example.net>", "To": f"<sip:{self.numbers[0]}@sip.api.openai.com>"}
        listed = [{"name": name, "value": value} for name, value in headers.items()]
        event = {"object": "event", "id": f"evt_{self.key}", "type": "realtime.call.incoming", "created_at": int(time.time())}  # fmt: skip
        body = json.dumps(event | {"data": {"call_id": call_id, "sip_headers": listed}}).encode()
        return body, signed(self.secret, f"wh_{self.key}", int(time.time()), body)

    def good(self, secret: str = "") -> Letter:
        body = self.body()
        return body, signed(secret or self.secret, f"wh_{self.key}", int(time.time()), body)

    def bad(self, dice: Random, count: int) -> Iterator[Letter]:
        """Stale, early, altered, of another secret, without or with garbled headers: by turns."""
        now = int(time.time())
        for n in range(count):
            body, headers = self.body(), {}
            match n % 7:
                case 0:
                    headers = signed(self.secret, f"wh_{n}", now - 301, body)
                case 1:
                    headers = signed(self.secret, f"wh_{n}", now + 330, body)
                case 2:
                    headers = signed(self.secret, f"wh_{n}", now, body)
                    place = dice.randrange(len(body))
                    body = body[:place] + bytes([body[place] ^ (1 << dice.randrange(8))]) + body[place + 1 :]
                case 3:
                    headers = signed(OTHER_SECRET, f"wh_{n}", now, body)
                case 4:
                    headers = {"webhook-id": f"wh_{n}"}
                case 5:
                    headers = signed(self.secret, f"wh_{n}", now, body)
                    name = dice.choice(["webhook-signature", "webhook-timestamp"])
                    headers[name] = "".join(chr(dice.randrange(33, 255)) for _ in range(dice.randrange(1, 60)))
                case 6:
                    body = bytes(dice.randrange(256) for _ in range(200))
                    headers = signed(OTHER_SECRET, f"wh_{n}", now, body)
            yield body, headers

    def send(self, body: bytes, headers: dict[str, str]) -> int:
        connection = HTTPConnection(self.url.hostname or "127.0.0.1", self.url.port, timeout=15)
        try:
            connection.request("POST", self.url.path, body, {"content-type": "application/json"} | headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()
