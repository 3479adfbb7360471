"""The one Django app."""

from __future__ import annotations

from django.apps import AppConfig


class CallsConfig(AppConfig):
    name = "calls"
    verbose_name = "Realtime Ops"

    def ready(self) -> None:
        from calls import checks  # noqa: F401  registers the system checks
