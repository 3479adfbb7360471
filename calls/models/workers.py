"""The processes of an installation. Belong to no tenant: a process serves them all."""

from __future__ import annotations

import uuid

from django.db import models


class Worker(models.Model):
    """One process, by the id that it made at its start (never a host or pod name)."""

    owner = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=12, default="sideband", db_default="sideband")
    """sideband, web or jobs; only the first hold calls"""
    host = models.CharField(max_length=120)
    pid = models.PositiveIntegerField()
    lock_key = models.BigIntegerField()
    """Session-level advisory lock that the living process holds; 0: none, nobody may judge by it"""
    slots = models.PositiveIntegerField()
    calls = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField()
    """Its last beat, of one a second for sideband workers"""
    counters = models.JSONField(default=dict, db_default={})
    """What it counts, by the names of domain.counters"""

    def __str__(self) -> str:
        return f"{self.host} {self.pid}"
