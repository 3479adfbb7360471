"""One attached WebSocket, written to without waiting.

Sending is synchronous, so that frames leave in order and a slow reader cannot hold up a call; a reader who
lets more than the bound pile up is dropped. Reads nothing: the server does.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from aiohttp import web

BACKLOG_BYTES = 32 * 1024 * 1024
TEXT = 0x81


def framed(payload: bytes) -> bytes:
    """An unmasked, final text frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((TEXT, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", TEXT, 126, size) + payload
    return struct.pack("!BBQ", TEXT, 127, size) + payload


class Sideband:
    """A socket of a call; silent once it is stalled or closing."""

    def __init__(self, ws: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        self.stalled = False
        self._ws = ws
        self._transport = transport
        self._closing: asyncio.Task[bool] | None = None

    def listening(self) -> bool:
        return not self.stalled and self._closing is None and not self._transport.is_closing()

    def send(self, payload: bytes) -> bool:
        """Send a frame; tells whether anybody was there."""
        if not self.listening():
            return False
        if self._transport.get_write_buffer_size() > BACKLOG_BYTES:
            self.drop(reset=True)
            return False
        self._transport.write(framed(payload))
        return True

    def drop(self, *, reset: bool = False) -> None:
        """End the connection without a close frame: the other side sees 1006."""
        if reset:
            raw = self._transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()

    def close(self, code: int, reason: str = "") -> None:
        """Close with a code; 1006 is no code but the lack of one."""
        if code == 1006:
            self.drop()
        elif self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(
                self._ws.close(code=code, message=reason.encode(), drain=False)
            )
