"""A feed's socket by hand: one that does not read, or sends what no browser would."""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress

from tests.rig.browser import Browser

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
        answer = self._socket.recv(64)
        assert answer.startswith(b"HTTP/1.1 101"), answer
        self.send(json.dumps({"type": "hello", "streams": [{"stream": stream} for stream in streams]}).encode())

    def __enter__(self) -> RawFeed:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, text: bytes) -> bool:
        """One text frame; False where the socket is gone."""
        size = len(text)
        if size < 126:
            head = struct.pack("!BB", 0x81, 0x80 | size)
        elif size < 1 << 16:
            head = struct.pack("!BBH", 0x81, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x81, 0x80 | 127, size)
        try:
            self._socket.sendall(head + bytes(4) + text)  # a mask of noughts leaves the text as it is
        except OSError:
            return False
        return True

    def read(self, size: int) -> bytes:
        with suppress(OSError):
            return self._socket.recv(size)
        return b""

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
