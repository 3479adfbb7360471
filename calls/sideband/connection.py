"""One sideband WebSocket: dial, read frames, send, abort. Knows no event and decides nothing."""

from __future__ import annotations

import socket
from typing import cast
from uuid import UUID

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from calls.exceptions import ProviderBusy, ProviderGone, ProviderRefused, ProviderUnreachable
from calls.providers.base import Endpoint
from calls.sideband.doors import Doors
from calls.sideband.line import QUEUE_LIMIT, Line, OnFrame

FRAME_LIMIT = 4 * 2**20
"""Bytes; a longer frame closes the socket with 1009 and it is dialled again."""
OPEN_LIMIT_S = 8.0
CLOSE_LIMIT_S = 2.0
"""The provider often drops TCP without a close frame."""
PING_S = 15.0
TOO_BIG = 1009
"""With this code the client library itself closes a socket on which a frame beyond FRAME_LIMIT came"""
KEEPALIVE_FAILED = 1011
"""With this code the client library itself closes a socket on which no pong came."""


class Closed(Exception):
    """The socket is closed; proves nothing about the call."""

    def __init__(self, code: int | None, reason: str, *, silent: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.reason = reason
        self.silent = silent
        """We gave it up ourselves, as no pong came: nothing may have arrived for half a minute"""


class _Dial(connect):
    """Follows no redirect: the headers hold the account's key."""

    def process_redirect(self, exc: Exception) -> Exception:
        return exc


class Sideband:
    """An open sideband."""

    def __init__(self, socket: Line) -> None:
        self._socket = socket

    @classmethod
    async def dial(cls, endpoint: Endpoint, *, tenant: UUID, again: bool = False) -> Sideband:
        """Open it, or open it `again`. Waits while as many handshakes are under way as the doors let through.

        Raises ProviderGone (404, 410), ProviderBusy (429, 5xx), ProviderRefused or ProviderUnreachable.
        """
        try:
            async with Doors.here().passed(tenant, again=again):
                opened = await _Dial(
                    endpoint.url,
                    create_connection=Line,
                    additional_headers=dict(endpoint.headers),
                    max_size=FRAME_LIMIT,
                    max_queue=QUEUE_LIMIT,
                    open_timeout=OPEN_LIMIT_S,
                    close_timeout=CLOSE_LIMIT_S,
                    ping_interval=PING_S,
                    ping_timeout=PING_S,
                    compression=None,
                    proxy=None,
                    user_agent_header="realtime-ops",
                )
        except InvalidStatus as error:
            raise _refusal(error) from error
        except (OSError, TimeoutError, EOFError, InvalidHandshake, socket.gaierror) as error:
            raise ProviderUnreachable(type(error).__name__) from error
        line = cast(Line, opened)
        line.forget_handshake()
        return cls(line)

    async def listen(self, on_frame: OnFrame) -> None:
        """Hand over every frame, in order, until `on_frame` says that it takes no more; TCP then holds the rest back.

        Raises Closed when the socket is, and whatever `on_frame` raises.
        """
        try:
            await self._socket.listen(on_frame)
        except ConnectionClosed as error:
            frame = error.rcvd or error.sent
            silent = error.rcvd is None and frame is not None and frame.code == KEEPALIVE_FAILED
            raise Closed(frame.code if frame else None, frame.reason if frame else "", silent=silent) from error

    async def send(self, frame: bytes) -> None:
        """Raises Closed."""
        try:
            await self._socket.send(frame, text=True)
        except ConnectionClosed as error:
            raise Closed(error.rcvd.code if error.rcvd else None, "") from error

    def abort(self) -> None:
        """Drop it at once: a close handshake would wait behind frames that nobody may read any more."""
        self._socket.abort()

    async def close(self) -> None:
        await self._socket.close()


def _refusal(error: InvalidStatus) -> ProviderGone | ProviderBusy | ProviderRefused:
    status = error.response.status_code
    if status in {404, 410}:
        return ProviderGone("no such call", status=status)
    if status == 429 or status >= 500:
        wait = error.response.headers.get("Retry-After", "")
        return ProviderBusy(f"HTTP {status}", status=status, retry_after=float(wait) if wait.isdigit() else None)
    return ProviderRefused(f"HTTP {status}", status=status)
