"""A Django project in one module: a table of events, a channel layer, a consumer that passes on what a group gets."""

from __future__ import annotations

import os
from typing import Any

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import connection, models

from realtime_ops import env

GROUP = "calls"

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


class Live(AsyncWebsocketConsumer):
    """A browser on the live page."""

    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def delta(self, message: dict[str, Any]) -> None:
        await self.send(text_data=message["text"])


application = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": Live.as_asgi()})
