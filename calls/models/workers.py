"""Sideband worker processes. Belongs to no tenant: a worker serves them all."""

from __future__ import annotations

import uuid

from django.db import models


class Worker(models.Model):
    """One sideband worker process, by the id that it made at its start (never a host or pod name)."""

    owner = models.UUIDField(primary_key=True, default=uuid.uuid4)
    host = models.CharField(max_length=120)
    pid = models.PositiveIntegerField()
    lock_key = models.BigIntegerField()
    """Session-level advisory lock that the living process holds"""
    slots = models.PositiveIntegerField()
    calls = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()
    """The last time that its sweep ran"""

    def __str__(self) -> str:
        return f"{self.host} {self.pid}"
