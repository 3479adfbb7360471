"""The provider's own addresses: accept, reject, refer, hang up, and the sideband socket.

Translates HTTP into what a call can do and back; no rule of a talk lives here.
"""

from __future__ import annotations

import asyncio

import orjson
from aiohttp import WSMsgType, web

from calls.simulator import control, requests, sessions
from calls.simulator.call import Call
from calls.simulator.provider import Provider
from calls.simulator.sideband import Sideband
from calls.simulator.wire import Json

PROVIDER = web.AppKey("provider", Provider)
MODELS = ("gpt-realtime-2.1", "gpt-realtime-2.1-mini")
LARGEST_CLIENT_FRAME = 16 * 1024 * 1024
CLOSE_WITHIN_SECONDS = 2.0
REFER_SECONDS = 0.6
"""Measured on the live service: about 616 ms."""
HANG_UP_SECONDS = 0.3


def application(provider: Provider) -> web.Application:
    app = web.Application(client_max_size=4 * 1024 * 1024)
    app[PROVIDER] = provider
    app.add_routes(
        [
            web.post("/v1/realtime/calls/{call_id}/accept", accept),
            web.post("/v1/realtime/calls/{call_id}/reject", reject),
            web.post("/v1/realtime/calls/{call_id}/refer", refer),
            web.post("/v1/realtime/calls/{call_id}/hangup", hang_up),
            web.get("/v1/realtime", sideband),
            web.get("/v1/models", models),
        ]
    )
    control.add_routes(app, provider)
    return app


# -- answers


def error(status: int, code: str, message: str, param: str | None = None) -> web.Response:
    kind = "server_error" if status >= 500 else "invalid_request_error"
    body = {"error": {"message": message, "type": kind, "code": code, "param": param}}
    return web.json_response(body, status=status)


def not_found() -> web.Response:
    return error(404, "call_id_not_found", "No session found for the provided call_id")


def failure(status: int) -> web.Response:
    if status == 404:
        return not_found()
    if status == 429:
        return error(429, "rate_limit_exceeded", "Rate limit reached for requests. Please try again later.")
    return error(status, "server_error", "The server had an error while processing your request.")


def bearer(request: web.Request) -> str:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def known(request: web.Request, call_id: str) -> Call | web.Response:
    """The call that the request is about, or the answer that refuses it."""
    provider = request.app[PROVIDER]
    account = provider.account_of(bearer(request))
    if account is None:
        return error(401, "invalid_api_key", "Incorrect API key provided.")
    return provider.find(call_id, account) or not_found()


async def asked(request: web.Request) -> Json | web.Response:
    raw = await request.read()
    try:
        body = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        return error(400, "invalid_json", "We could not parse the JSON body of your request.")
    return body


async def verb(request: web.Request, name: str) -> tuple[Call, Json] | web.Response:
    """Call and body of a verb, or the answer that refuses it (which is recorded)."""
    call_id = request.match_info["call_id"]
    call = known(request, call_id)
    answer = call if isinstance(call, web.Response) else await asked(request)
    if isinstance(call, Call) and isinstance(answer, dict):
        return call, answer
    assert isinstance(answer, web.Response)  # noqa: S101 - either of the two refused
    return recorded(request, name, call_id, answer)


def recorded(
    request: web.Request, name: str, call_id: str, answer: web.Response, body: Json | None = None
) -> web.Response:
    ledger = request.app[PROVIDER].ledger
    ledger.write("http", call_id=call_id, verb=name, status=answer.status, body=body)
    return answer


async def models(request: web.Request) -> web.Response:
    """What a key is tested with."""
    if request.app[PROVIDER].account_of(bearer(request)) is None:
        return error(401, "invalid_api_key", "Incorrect API key provided.")
    listed = [{"id": name, "object": "model", "created": 0, "owned_by": "simulator"} for name in MODELS]
    return web.json_response({"object": "list", "data": listed})


# -- verbs


async def accept(request: web.Request) -> web.Response:
    found = await verb(request, "accept")
    if isinstance(found, web.Response):
        return found
    call, body = found
    return recorded(request, "accept", call.id, await _accepted(call, body), body)


async def _accepted(call: Call, body: Json) -> web.Response:
    if (slow := call.fault("accept_slow")) is not None:
        await call.clock.sleep(float(slow.get("delay_s", 5.3)))
    for status in (404, 429, 500):
        if call.fault(f"accept_{status}") is not None:
            return failure(status)
    if "type" not in body:
        refusal = sessions.missing("type")
        return error(400, refusal.code, refusal.message, refusal.param)
    if call.leg != "ringing":
        return not_found()
    # Nothing may be awaited between the check and this line: two accepts race for one call.
    call.accept(body)
    await call.clock.sleep(0.15)
    await _mute(call, "accept_mute")
    return web.Response()


async def _mute(call: Call, fault: str) -> None:
    """What was asked is done, and whoever asked does not hear so for a while, however fast the call runs."""
    if (mute := call.fault(fault)) is not None:
        await asyncio.sleep(float(mute.get("delay_s", 20)))


async def reject(request: web.Request) -> web.Response:
    found = await verb(request, "reject")
    if isinstance(found, web.Response):
        return found
    call, body = found
    if call.leg != "ringing":
        return recorded(request, "reject", call.id, not_found(), body)
    call.end("rejected")
    return recorded(request, "reject", call.id, web.Response(), body)


async def refer(request: web.Request) -> web.Response:
    found = await verb(request, "refer")
    if isinstance(found, web.Response):
        return found
    call, body = found
    return recorded(request, "refer", call.id, await _referred(call, body), body)


async def _referred(call: Call, body: Json) -> web.Response:
    if call.leg != "live":
        return not_found()
    if call.fault("refer_500") is not None:
        return failure(500)
    if not isinstance(body.get("target_uri"), str):
        refusal = sessions.missing("target_uri")
        return error(400, refusal.code, refusal.message, refusal.param)
    await call.clock.sleep(REFER_SECONDS)
    if call.fault("refer_silent") is None:
        call.transfer_asked.set()
        call.clock.later(call.dice.uniform(0.5, 2.0), lambda: call.end("transferred"))
    return web.Response()


async def hang_up(request: web.Request) -> web.Response:
    found = await verb(request, "hangup")
    if isinstance(found, web.Response):
        return found
    call, body = found
    if call.leg == "ringing" or call.hanging_up:
        return recorded(request, "hangup", call.id, not_found(), body)
    if call.fault("hangup_500") is not None:
        return recorded(request, "hangup", call.id, failure(500), body)
    call.hanging_up = True
    call.clock.later(HANG_UP_SECONDS, lambda: call.end("hung_up_by_server"))
    await _mute(call, "hangup_mute")
    return recorded(request, "hangup", call.id, web.Response(), body)


# -- the sideband


async def sideband(request: web.Request) -> web.StreamResponse:
    call_id = request.query.get("call_id", "")
    found = known(request, call_id)
    if isinstance(found, Call):
        found = _attachable(request, found)
    if isinstance(found, web.Response):
        return recorded(request, "dial", call_id, found)
    ws = web.WebSocketResponse(
        autoping=False, compress=False, max_msg_size=LARGEST_CLIENT_FRAME, timeout=CLOSE_WITHIN_SECONDS
    )
    await ws.prepare(request)
    if request.transport is None or found.leg != "live":
        return ws
    request.app[PROVIDER].ledger.write("http", call_id=call_id, verb="dial", status=101, body=None)
    await _serve(found, ws, Sideband(ws, request.transport))
    return ws


def _attachable(request: web.Request, call: Call) -> Call | web.Response:
    if "realtime=v1" in request.headers.get("OpenAI-Beta", ""):
        # Routed to the legacy backend, which knows no such call (field report).
        return not_found()
    for status in (404, 429, 500):
        if call.leg == "live" and call.fault(f"dial_{status}") is not None:
            return failure(status)
    return call if call.leg == "live" else not_found()


async def _serve(call: Call, ws: web.WebSocketResponse, socket: Sideband) -> None:
    call.attach(socket)
    try:
        async for message in ws:
            if not socket.listening():
                continue
            if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
                requests.receive(call, message.data)
            elif message.type is WSMsgType.PING:
                await ws.pong(message.data)
    finally:
        call.detach(socket)
