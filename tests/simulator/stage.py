"""A provider on loopback with a tenant beside it that takes its webhooks, and an ear on the sideband."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from calls.simulator import server
from calls.simulator.call import Call
from calls.simulator.ledger import Ledger
from calls.simulator.provider import Order, Provider
from calls.simulator.webhooks import Account, Courier

KEY = "sk-acme"
SECRET = "whsec_c2ltdWxhdG9yLXNlY3JldC1vZi1hY21l"
SESSION = {
    "type": "realtime",
    "model": "gpt-realtime",
    "instructions": "You are Nora. Be brief.",
    "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}}, "output": {"voice": "marin"}},
}
FAST = 800.0


@dataclass
class Delivery:
    headers: dict[str, str]
    body: bytes

    @property
    def call_id(self) -> str:
        return orjson.loads(self.body)["data"]["call_id"]


class Ear:
    """One socket; collects frames until it closes."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.frames: list[dict[str, Any]] = []
        self.raw: list[str] = []
        self.closed = asyncio.Event()
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        with contextlib.suppress(aiohttp.ClientError):
            async for message in self.ws:
                self.raw.append(message.data)
                with contextlib.suppress(orjson.JSONDecodeError, AttributeError):
                    frame = orjson.loads(message.data)
                    if isinstance(frame, dict):
                        self.frames.append(frame)
                self._news.set()
        self.closed.set()
        self._news.set()

    async def hear(self, kind: str, /, within: float = 30, **fields: Any) -> dict[str, Any]:
        """The first frame of that type (and with those fields), waiting for it."""
        async with asyncio.timeout(within):
            while True:
                for frame in self.frames:
                    if frame.get("type") == kind and all(frame.get(key) == fields[key] for key in fields):
                        return frame
                if self.closed.is_set():
                    raise AssertionError(f"closed before {kind}: {self.kinds()}")
                self._news.clear()
                await self._news.wait()

    async def error(self, event_id: str) -> dict[str, Any]:
        """The error that answers this client event."""
        async with asyncio.timeout(30):
            while True:
                for frame in self.frames:
                    if frame["type"] == "error" and frame["error"]["event_id"] == event_id:
                        return frame["error"]
                self._news.clear()
                await self._news.wait()

    def kinds(self) -> list[str]:
        return [frame["type"] for frame in self.frames]

    def forget(self) -> None:
        self.frames.clear()

    async def say(self, kind: str, **fields: Any) -> None:
        await self.ws.send_str(orjson.dumps({"type": kind, **fields}).decode())


@dataclass
class Stage:
    provider: Provider
    ledger: Ledger
    base: str
    http: aiohttp.ClientSession
    deliveries: list[Delivery] = field(default_factory=list)
    delivered: asyncio.Condition = field(default_factory=asyncio.Condition)
    answer: int = 200
    """What the tenant answers to webhooks."""

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {KEY}"}

    def place(self, scenario: str = "two_turn", **order: Any) -> Call:
        return self.provider.place(Order(scenario=scenario, **{"account": 0, "seed": 7, **order}))

    async def verb(self, call_id: str, verb: str, body: Any = None, key: str = KEY) -> tuple[int, Any]:
        url = f"{self.base}/v1/realtime/calls/{call_id}/{verb}"
        async with self.http.post(url, json=body, headers={"Authorization": f"Bearer {key}"}) as answer:
            text = await answer.read()
            return answer.status, orjson.loads(text) if text else None

    async def dial(self, call_id: str, headers: dict[str, str] | None = None) -> Ear:
        """Dial once; raises WSServerHandshakeError when refused."""
        url = f"{self.base}/v1/realtime?call_id={call_id}"
        return Ear(await self.http.ws_connect(url, headers=headers or self.bearer, max_msg_size=0))

    async def dialled(self, call_id: str, within: float = 30) -> Ear:
        """Dial until the leg is set up."""
        async with asyncio.timeout(within):
            while True:
                try:
                    return await self.dial(call_id)
                except aiohttp.WSServerHandshakeError as refusal:
                    if refusal.status != 404 or call_id not in self.provider.calls:
                        raise
                await asyncio.sleep(0.001)

    async def attend(self, call: Call, session: Any = SESSION) -> Ear:
        """Accept and attach."""
        status, _ = await self.verb(call.id, "accept", session)
        assert status == 200
        return await self.dialled(call.id)

    async def control(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.http.request(method, f"{self.base}/_simulator/{path}", json=body) as answer:
            return answer.status, orjson.loads(await answer.read())

    async def truth(self, call: Call, within: float = 30) -> dict[str, Any]:
        async with asyncio.timeout(within):
            await call.ended.wait()
        return next(truth for truth in reversed(self.ledger.truths) if truth["call_id"] == call.id)

    async def book(self) -> list[dict[str, Any]]:
        """The ledger's file."""
        await self.ledger.flush()
        assert self.ledger.path is not None
        return [orjson.loads(line) for line in self.ledger.path.read_bytes().splitlines()]


@contextlib.asynccontextmanager
async def staged(tmp_path: Path, speed: float = FAST) -> Any:
    deliveries: list[Delivery] = []

    async def tenant(request: web.Request) -> web.Response:
        body = await request.read()
        async with stage.delivered:
            deliveries.append(Delivery(dict(request.headers), body))
            stage.delivered.notify_all()
        return web.Response(status=stage.answer)

    ledger = Ledger(tmp_path / "ledger.jsonl")
    desk = web.Application()
    desk.router.add_post("/webhooks", tenant)
    async with aiohttp.ClientSession() as http, served(desk) as tenant_url:
        account = Account(f"{tenant_url}/webhooks", SECRET, KEY, ("+442079460001",))
        rival = Account(f"{tenant_url}/webhooks", "whsec_cml2YWw=", "sk-globex", ("+442079460999",))
        provider = Provider([account, rival], Courier(http, ledger), ledger, speed=speed)
        # At this speed seconds are milliseconds: nobody may tire before a busy machine has come round.
        provider.patience = provider.greeting_waits = 5 * speed
        async with served(server.application(provider)) as base:
            stage = Stage(provider, ledger, base, http, deliveries)
            yield stage
            await provider.stop("simulator_stopped")
            await ledger.close()


@contextlib.asynccontextmanager
async def served(app: web.Application) -> Any:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
