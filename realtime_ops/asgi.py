"""HTTP to Django, WebSocket to the live feed; the origin check stands outermost.

The feed asks who is there itself (calls.live.access): at the handshake, and again while the socket lives.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_ops.settings")

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import SessionMiddlewareStack
from django.core.asgi import get_asgi_application

_http = get_asgi_application()

from calls import dispatch, feed, resources  # noqa: E402  apps must be loaded first
from calls.actions.processes import Heart  # noqa: E402
from calls.live import doors  # noqa: E402
from calls.live.routing import websocket_urlpatterns  # noqa: E402
from calls.web.deliveries import Deliveries  # noqa: E402


def counters() -> dict[str, int | list[int]]:
    """What a web process counts, for the status page."""
    nudges = dispatch.counts()
    return {
        **doors.counters(),
        "nudges": nudges.published,
        "nudges_lost": nudges.lost,
        "announcements_lost": feed.announcements_lost(),
        **resources.counters(),
    }


class Beating:
    """The application; with its first request this process begins to say that it lives. Importing it starts nothing."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._heart: Heart | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._heart is None:
            self._heart = Heart("web", counters)
            self._heart.start()
        await self._inner(scope, receive, send)


application = ProtocolTypeRouter(
    {
        "http": Beating(Deliveries(_http)),
        "websocket": AllowedHostsOriginValidator(SessionMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
