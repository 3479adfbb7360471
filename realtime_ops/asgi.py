"""HTTP to Django, WebSocket to the live feed; the origin check stands outermost.

The feed asks who is there itself (calls.live.access): at the handshake, and again while the socket lives.
"""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_ops.settings")

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import SessionMiddlewareStack
from django.core.asgi import get_asgi_application

_http = get_asgi_application()

from calls.live.routing import websocket_urlpatterns  # noqa: E402  apps must be loaded first
from calls.web.deliveries import Deliveries  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": Deliveries(_http),
        "websocket": AllowedHostsOriginValidator(SessionMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
