"""A provider on the loopback that answers as told: what it is asked, in order, and the sockets that it opened."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from tests.sideband.desk import until

HANG = "hang"
"""Do not answer at all."""
CUT = "cut"
"""Drop the connection before any answer."""
FLAP = "flap"
"""Open the socket and close it at once."""


class Provider:
    def __init__(self) -> None:
        self.asked: list[str] = []
        """accept, reject, refer, hangup and dial, as they came"""
        self.bodies: list[Any] = []
        self.answers: dict[str, deque[Any]] = {}
        """By verb, what to answer next; the last one stays"""
        self.sockets: list[web.WebSocketResponse] = []
        self.heard: list[dict[str, Any]] = []
        self.closed = 0
        """Sockets that ended"""
        self.url = ""
        self.closing = asyncio.Event()

    def will(self, verb: str, *answers: Any) -> None:
        self.answers[verb] = deque(answers)

    def count(self, verb: str) -> int:
        return self.asked.count(verb)

    def _next(self, verb: str) -> Any:
        waiting = self.answers.get(verb) or deque([200])
        return waiting.popleft() if len(waiting) > 1 else waiting[0]

    async def control(self, request: web.Request) -> web.StreamResponse:
        verb = request.match_info["verb"]
        self.asked.append(verb)
        self.bodies.append(await request.json() if request.can_read_body else None)
        answer = self._next(verb)
        if answer == HANG:
            await self.closing.wait()
            answer = 500
        if answer == CUT:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        return web.json_response({"error": {"message": f"answer {status}"}}, status=status, headers=headers)

    async def dial(self, request: web.Request) -> web.StreamResponse:
        self.asked.append("dial")
        answer = self._next("dial")
        if answer == CUT:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if answer not in (200, FLAP):
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            return web.Response(status=status, headers=headers)
        socket = web.WebSocketResponse(timeout=0.2, autoping=True)
        await socket.prepare(request)
        if answer == FLAP:
            await socket.close(code=1011)
            return socket
        self.sockets.append(socket)
        try:
            async for message in socket:
                self.heard.append(json.loads(message.data))
        finally:
            self.closed += 1
        return socket

    @property
    def socket(self) -> web.WebSocketResponse:
        """The latest one."""
        return self.sockets[-1]

    async def say(self, type: str, **fields: Any) -> None:
        await self.socket.send_str(json.dumps({"type": type, "event_id": f"event_{len(self.asked)}", **fields}))

    async def dialled(self, times: int = 1) -> None:
        await until(lambda: len(self.sockets) >= times)

    async def drop(self) -> None:
        """TCP goes away without a close frame."""
        request = self.socket._req
        assert request is not None
        assert request.transport is not None
        request.transport.abort()


@asynccontextmanager
async def provider():
    served = Provider()
    application = web.Application()
    application.add_routes(
        [web.post("/v1/realtime/calls/{id}/{verb}", served.control), web.get("/v1/realtime", served.dial)]
    )
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield served
    finally:
        served.closing.set()
        for socket in served.sockets:
            await socket.close()
        await runner.cleanup()
