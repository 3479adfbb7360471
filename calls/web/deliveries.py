"""The short way of deliveries: from the server to the webhook's own code, without the site around it. ASGI, outermost.

A provider has no session, no language and no messages, and a telephone rings meanwhile: of the site's middleware only
what holds for programs too is left. Whatever is not plainly a delivery (another method, a host that is not ours, no TLS
where it is due) goes the long way, which has the same code at its end.

What costs nothing is judged on the loop. The rest takes a turn in a thread (calls.lending), of which there are as many
as turns; who gets none within TURN_SECONDS is asked to come again.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from io import BytesIO
from typing import Any

from csp.middleware import CSPMiddleware
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from calls.lending import Desk
from calls.web import webhooks
from calls.web.webhooks import BODY_LIMIT, TURN_SECONDS, TURNS, Offered

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Site = Callable[[Scope, Receive, Send], Awaitable[None]]

_PATH = re.compile(r"/webhooks/openai/([^/]+)/")


class Deliveries:
    """The site, with a shorter way to one of its addresses."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._security = SecurityMiddleware(_no_view)
        self._headers = (XFrameOptionsMiddleware(_no_view), CSPMiddleware(_no_view), self._security)
        self._desk = Desk(TURNS, "webhook")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _PATH.fullmatch(scope["path"])
        stream = BytesIO()
        request = _posted(scope, stream) if found else None
        if found is None or request is None or not self._is_plain(request):
            await self._site(scope, receive, send)
            return
        whole = await _read(receive, stream)
        if whole is None:
            return
        response = await self._answer(request, found[1]) if whole else webhooks.too_large()
        response["Content-Length"] = str(len(response.content))
        for middleware in self._headers:
            middleware.process_response(request, response)  # each adds headers to the one that it is given
        headers = [(name.encode("ascii"), value.encode("latin1")) for name, value in response.items()]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": response.content})

    def _is_plain(self, request: HttpRequest) -> bool:
        try:
            request.get_host()
        except DisallowedHost:
            return False
        return self._security.process_request(request) is None

    async def _answer(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            found = webhooks.offered(request, token)
            return found if isinstance(found, HttpResponse) else await self._in_turn(found)
        except Exception:
            logger.exception("a webhook failed")
            return HttpResponse("failed\n", status=500, content_type="text/plain")

    async def _in_turn(self, delivery: Offered) -> HttpResponse:
        taken = self._desk.ask(webhooks.take, delivery)
        done = asyncio.wrap_future(taken)
        try:
            await asyncio.wait([done], timeout=TURN_SECONDS)
            if done.done() or not taken.cancel():
                return await done
        finally:
            taken.cancel()  # where it has not begun: the sender went away, or is asked to come again
        logger.warning("a webhook found no turn")
        return webhooks.later()


def _posted(scope: Scope, stream: BytesIO) -> ASGIRequest | None:
    try:
        return ASGIRequest(scope, stream) if scope["method"] == "POST" else None
    except UnicodeDecodeError:
        return None  # an address that is no text: the site has an answer to that


async def _read(receive: Receive, into: BytesIO) -> bool | None:
    """Read the body; False where it is over the limit, None where the sender went away."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        into.write(message.get("body", b""))
        if into.tell() > BODY_LIMIT:
            return False
        if not message.get("more_body", False):
            into.seek(0)
            return True


def _no_view(request: HttpRequest) -> HttpResponse:
    raise AssertionError("only the hooks of this middleware are called")
