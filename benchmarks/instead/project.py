"""A Django project in one module: a table of events, a channel layer, a consumer that passes on what its groups get."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qs

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import connection, models

from realtime_ops import env

if not settings.configured:
    settings.configure(
        SECRET_KEY="for a measurement on loopback",
        DATABASES={"default": env.database(os.environ["DATABASE_URL"]) | {"CONN_MAX_AGE": None}},
        INSTALLED_APPS=["channels"],
        CHANNEL_LAYERS={
            "default": {
                "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
                "CONFIG": {
                    "hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}],
                    "prefix": "instead",
                },
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        ALLOWED_HOSTS=["*"],
    )
    django.setup()


class Event(models.Model):
    """A frame of a call."""

    call = models.CharField(max_length=64, db_index=True)
    type = models.CharField(max_length=80)
    body = models.JSONField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "instead"

    def __str__(self) -> str:
        return f"{self.call} {self.type}"


def make_table() -> None:
    with connection.schema_editor() as editor:
        editor.create_model(Event)


LIST = "list"
"""In the place of a call: the group that is told of all calls"""


def group_of(call: str) -> str:
    return f"call.{call}"


class Live(AsyncWebsocketConsumer):
    """A browser that follows the calls which its address names: `/?call=…&call=…`."""

    async def connect(self) -> None:
        self._groups = [group_of(call) for call in parse_qs(self.scope["query_string"].decode()).get("call", [])]
        for name in self._groups:
            await self.channel_layer.group_add(name, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        for name in self._groups:
            await self.channel_layer.group_discard(name, self.channel_name)

    async def delta(self, message: dict[str, Any]) -> None:
        await self.send(text_data=message["text"])


application = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": Live.as_asgi()})
