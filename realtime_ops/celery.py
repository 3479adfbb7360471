"""The Celery app: queue `sideband` (threads, with the loop that owns calls) and queue `default` (prefork)."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "realtime_ops.settings")

app = Celery("realtime_ops")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["calls"])
app.steps["worker"].add("calls.sideband.step:SidebandStep")
