"""A feed's socket by hand: one that does not read, or sends what no browser would."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tests.rig.browser import Browser

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
GONE = 1006
"""The server left without a close frame"""
RECEIVE_BUFFER = 4096
"""Small, so that what is not read soon stands before the server"""


class RawFeed:
    """Opened, and following, when made. Use as a context manager."""

    def __init__(self, browser: Browser, slug: str, streams: Sequence[str]) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._socket.settimeout(10)
        self._socket.connect(("127.0.0.1", browser.port))
        key = base64.b64encode(os.urandom(16)).decode()
        host = f"127.0.0.1:{browser.port}"
        lines = [
            f"GET /t/{slug}/feed/ HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", f"Origin: http://{host}",
            f"Cookie: {browser.cookie_header}", "", "",
        ]  # fmt: skip
        self._socket.sendall("\r\n".join(lines).encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._socket.recv(64)
        assert answer.startswith(b"HTTP/1.1 101"), answer
        self.frames: list[dict[str, Any]] = []
        """What was read of it, pieces put together; and with which code the server closed"""
        self.closed_with: int | None = None
        self._unread = answer.partition(b"\r\n\r\n")[2]
        self._pieces: list[str] = []
        self.send(json.dumps({"type": "hello", "streams": [{"stream": stream} for stream in streams]}).encode())

    def __enter__(self) -> RawFeed:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, text: bytes) -> bool:
        """One text frame; False where the socket is gone."""
        return self._send(TEXT, text)

    def _send(self, opcode: int, text: bytes) -> bool:
        size = len(text)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        try:
            self._socket.sendall(head + bytes(4) + text)  # a mask of noughts leaves the text as it is
        except OSError:
            return False
        return True

    def read(self, size: int) -> bytes:
        with suppress(OSError):
            return self._socket.recv(size)
        return b""

    def listen(self, seconds: float) -> bool:
        """Read all that comes for so long, answer pings as browsers do by themselves, acknowledge nothing; False where
        the server ended it. What came is in `frames`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self.closed_with is None:
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                break
            except OSError:
                data = b""
            if not data:
                self.closed_with = self.closed_with or GONE
                break
            self._unread += data
            self._parse()
        return self.closed_with is None

    def _parse(self) -> None:
        """Frames of a server: not masked, and Daphne does not split them."""
        while len(self._unread) >= 2:
            size, head = self._unread[1] & 0x7F, 2
            if size > 125:
                head = 4 if size == 126 else 10
                if len(self._unread) < head:
                    return
                size = int.from_bytes(self._unread[2:head])
            if len(self._unread) < head + size:
                return
            opcode, body = self._unread[0] & 0x0F, self._unread[head : head + size]
            self._unread = self._unread[head + size :]
            if opcode == TEXT:
                self._take(json.loads(body))
            elif opcode == PING:
                self._send(PONG, body)
            elif opcode == CLOSE:
                self.closed_with = int.from_bytes(body[:2])

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "piece":
            self._pieces.append(frame["text"])
            if frame["left"]:
                return
            frame = json.loads("".join(self._pieces))
            self._pieces.clear()
        self.frames.append(frame)

    def is_cut(self) -> bool:
        """Whether the server ended it: what it still says is read and thrown away."""
        self._socket.settimeout(0.05)
        try:
            while self._socket.recv(1 << 16):
                continue
        except TimeoutError:
            return False
        except OSError:
            return True
        return True
