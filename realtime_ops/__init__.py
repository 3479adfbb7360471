"""Composition of Realtime Ops: settings, addresses, processes. Holds no rule, no model and no view."""

from realtime_ops.celery import app as celery_app

__all__ = ["celery_app"]
