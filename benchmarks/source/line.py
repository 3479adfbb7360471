"""One connection to the source: HTTP/1.1 requests, of which one may become a sideband. Only what the product uses."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

import orjson

from benchmarks.source.playing import Played

if TYPE_CHECKING:
    from benchmarks.source.provider import Source

ACCEPT_S = 0.15
"""Until an accept is answered, as the simulator takes"""
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_PONG, _PING, _CLOSE, _TEXT = 0xA, 0x9, 0x8, 0x1


class Line(asyncio.Protocol):
    """The server's side of a socket."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._waiting = bytearray()
        self._call: Played | None = None
        """The call of a sideband"""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._call is not None:
            self._source.playing.detach(self._call, self._transport)

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        if self._call is None:
            self._requests()
        else:
            self._frames(self._call)

    # -- HTTP

    def _requests(self) -> None:
        while self._call is None and (end := self._waiting.find(b"\r\n\r\n")) >= 0:
            first, *lines = self._waiting[:end].decode("latin-1").split("\r\n")
            headers = {
                name.strip().lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)
            }
            size = int(headers.get("content-length", "0"))
            if len(self._waiting) < end + 4 + size:
                return
            body = bytes(self._waiting[end + 4 : end + 4 + size])
            del self._waiting[: end + 4 + size]
            method, target, _ = first.split(" ", 2)
            self._asked(method, target, headers, body)

    def _asked(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        address = urlsplit(target)
        match address.path.strip("/").split("/"):
            case ["_source", what]:
                self.answer(200, self._source.control(what, orjson.loads(body) if body else {}))
            case ["v1", "realtime"]:
                self._dialled(parse_qs(address.query).get("call_id", [""])[0], headers)
            case ["v1", "realtime", "calls", call_id, verb]:
                self._verb(call_id, verb)
            case _:
                self.answer(404, {})

    def _verb(self, call_id: str, verb: str) -> None:
        playing, call = self._source.playing, self._source.playing.calls.get(call_id)
        wanted = ("ringing",) if verb in ("accept", "reject") else ("live",)
        found = call is not None and call.leg in wanted
        self._source.ledger.write("http", call_id=call_id, verb=verb, status=200 if found else 404)
        if call is None or not found:
            self.answer(404, _gone())
        elif verb == "accept":
            playing.accept(call)
            asyncio.get_running_loop().call_later(ACCEPT_S, self.answer, 200)
        else:
            playing.end(call, verb)
            self.answer(200)

    def answer(self, status: int, body: object = None) -> None:
        raw = b"" if body is None else orjson.dumps(body)
        head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {len(raw)}\r\n\r\n"
        if not self._transport.is_closing():
            self._transport.write(head.encode() + raw)

    def _dialled(self, call_id: str, headers: Mapping[str, str]) -> None:
        call = self._source.playing.calls.get(call_id)
        if call is None or call.leg != "live":
            self.answer(404, _gone())
            return
        key = headers["sec-websocket-key"].encode() + _MAGIC
        accepted = base64.b64encode(hashlib.sha1(key, usedforsecurity=False).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
            b"sec-websocket-accept: " + accepted + b"\r\n\r\n"
        )
        self._call = call
        self._source.playing.attach(call, self._transport)

    # -- the sideband

    def _frames(self, call: Played) -> None:
        """Frames of a client are masked; none of them is long here."""
        while len(self._waiting) >= 6:
            code, size, start = self._waiting[0] & 0xF, self._waiting[1] & 0x7F, 2
            if size == 126:
                size, start = int.from_bytes(self._waiting[2:4], "big"), 4
            elif size == 127:
                size, start = int.from_bytes(self._waiting[2:10], "big"), 10
            if len(self._waiting) < start + 4 + size:
                return
            mask, payload = self._waiting[start : start + 4], self._waiting[start + 4 : start + 4 + size]
            del self._waiting[: start + 4 + size]
            text = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))
            if code == _PING:
                self._transport.write(bytes((0x80 | _PONG, len(text))) + text)
            elif code == _CLOSE:
                self._transport.close()
            elif code == _TEXT:
                self._told(call, orjson.loads(text))

    def _told(self, call: Played, event: Mapping[str, Any]) -> None:
        """What a client asks of the talk is not done: it was prepared. Only what was said may be asked for again."""
        self._source.ledger.write("client_frame", call_id=call.id, event=event)
        if event["type"] == "conversation.item.retrieve":
            self._transport.write(self._source.playing.retrieved(call, event["item_id"]))


def _gone() -> Mapping[str, object]:
    message = "No session found for the provided call_id"
    error = {"message": message, "type": "invalid_request_error", "code": "call_id_not_found", "param": None}
    return {"error": error}
