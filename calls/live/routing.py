"""The WebSocket address of the feed."""

from __future__ import annotations

from django.urls import path

from calls.live.consumers import FeedConsumer

websocket_urlpatterns = [path("t/<slug:slug>/feed/", FeedConsumer.as_asgi())]
