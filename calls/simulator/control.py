"""The control port under `/_simulator/`: place calls, hang up, break things, look.

For people and tests on the same machine; it asks for no key and must never be reachable from elsewhere.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from calls.simulator import faults, scenarios
from calls.simulator.provider import BadOrder, Order, Provider, shown
from calls.simulator.wire import Json

Handler = Callable[[web.Request], Awaitable[web.Response]]
ORDER_FIELDS = {
    "scenario": "scenario",
    "from": "caller",
    "to": "dialled",
    "account": "account",
    "speed": "speed",
    "faults": "faults",
    "call_id": "call_id",
    "seed": "seed",
    "session_created": "session_created",
    "audio_deltas": "audio_deltas",
}


def add_routes(app: web.Application, provider: Provider) -> None:
    port = Control(provider)
    root = "/_simulator"
    app.add_routes(
        [
            web.get(f"{root}/healthz", port.health),
            web.get(f"{root}/scenarios", port.scenarios),
            web.post(f"{root}/calls", port.place),
            web.get(f"{root}/calls", port.calls),
            web.get(f"{root}/calls/{{call_id}}", port.call),
            web.post(f"{root}/calls/{{call_id}}/hang_up", port.hang_up),
            web.post(f"{root}/calls/{{call_id}}/drop", port.drop),
            web.post(f"{root}/stop_new_calls", port.stop_new_calls),
            web.get(f"{root}/faults", port.faults),
            web.post(f"{root}/faults", port.switch_on),
            web.delete(f"{root}/faults", port.switch_off),
            web.get(f"{root}/ledger", port.ledger),
        ]
    )


def said(body: object, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")


async def asked(request: web.Request) -> Json:
    raw = await request.read()
    try:
        body = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="the body must be a JSON object")
    return body


class Control:
    """The handlers, over one provider."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def health(self, request: web.Request) -> web.Response:
        return said({"ok": True, "calls": len(self._provider.calls), "taking_calls": self._provider.taking_calls})

    async def scenarios(self, request: web.Request) -> web.Response:
        every = scenarios.BY_NAME.values()
        return said([{"name": one.name, "summary": one.summary, "weight": one.weight} for one in every])

    async def place(self, request: web.Request) -> web.Response:
        body = await asked(request)
        if unknown := set(body) - set(ORDER_FIELDS):
            return said({"error": f"unknown fields: {', '.join(sorted(unknown))}"}, 400)
        try:
            call = self._provider.place(Order(**{ORDER_FIELDS[key]: value for key, value in body.items()}))
        except (BadOrder, faults.NoSuchFault, TypeError, ValueError) as problem:
            return said({"error": str(problem)}, 400)
        return said({"call_id": call.id, "scenario": call.birth.scenario}, 201)

    async def calls(self, request: web.Request) -> web.Response:
        live = [shown(call) for call in self._provider.calls.values()]
        return said({"calls": live, "ended": list(self._provider.over.values())})

    async def call(self, request: web.Request) -> web.Response:
        call_id = request.match_info["call_id"]
        call = self._provider.calls.get(call_id)
        if call is not None:
            return said(shown(call))
        over = self._provider.over.get(call_id)
        return said({"error": "no such call"}, 404) if over is None else said(over)

    async def hang_up(self, request: web.Request) -> web.Response:
        call = self._provider.calls.get(request.match_info["call_id"])
        if call is None:
            return said({"error": "no such call"}, 404)
        call.end("caller_hang_up")
        return said(shown(call))

    async def drop(self, request: web.Request) -> web.Response:
        body = await asked(request)
        call = self._provider.calls.get(request.match_info["call_id"])
        if call is None:
            return said({"error": "no such call"}, 404)
        call.drop(int(body.get("code", 1006)), str(body.get("reason", "")), reset=bool(body.get("reset")))
        return said(shown(call))

    async def stop_new_calls(self, request: web.Request) -> web.Response:
        self._provider.taking_calls = False
        return said({"taking_calls": False, "calls": len(self._provider.calls)})

    async def faults(self, request: web.Request) -> web.Response:
        return said({"active": self._provider.faults.listed(), "known": faults.EVERY_FAULT})

    async def switch_on(self, request: web.Request) -> web.Response:
        """For everybody, or with `call_id` for one call."""
        body = await asked(request)
        call_id = body.pop("call_id", None)
        try:
            fault = faults.parsed(body)
        except faults.NoSuchFault as problem:
            return said({"error": f"no fault named {problem}"}, 400)
        if call_id is None:
            self._provider.switch_on(fault)
        elif (call := self._provider.calls.get(str(call_id))) is None:
            return said({"error": "no such call"}, 404)
        elif fault.name in faults.STRIKES:
            call.strike(fault)
        else:
            call.birth.faults[0].add(fault)
        return said({"active": self._provider.faults.listed()}, 201)

    async def switch_off(self, request: web.Request) -> web.Response:
        body = await asked(request)
        name = body.get("name") or request.query.get("name")
        self._provider.faults.clear(str(name) if name else None)
        return said({"active": self._provider.faults.listed()})

    async def ledger(self, request: web.Request) -> web.Response:
        """The newest lines in memory, by kind and call_id; frames are only in the file."""
        ledger = self._provider.ledger
        await ledger.flush()
        kind, call_id = request.query.get("kind"), request.query.get("call_id")
        lines = [
            line
            for line in (*ledger.tail, *ledger.truths)
            if kind in (None, line["kind"]) and call_id in (None, line.get("call_id"))
        ]
        path = str(ledger.path) if ledger.path else None
        return said({"path": path, "counts": dict(ledger.lines), "lines": lines})
