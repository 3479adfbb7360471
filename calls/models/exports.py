"""Exports that people asked for: rows of a job, and where its file is."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from calls.domain.exports import ExportState
from calls.models.base import TenantOwned


class Export(TenantOwned):
    """One export. Its file lies under the same name in settings.EXPORTS_DIR until it expires."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=12)
    file_format = models.CharField(max_length=8)
    since = models.DateTimeField()
    until = models.DateTimeField()
    reveal = models.BooleanField(default=False)
    """With whole numbers: decided when it was asked for, by the role of who asked"""
    by = models.ForeignKey("calls.User", null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in ExportState], default=ExportState.WAITING.value
    )
    attempts = models.PositiveIntegerField(default=0)
    expected = models.BigIntegerField(null=True)
    """Rows that there were when it began"""
    rows = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    asked_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    """When its job last said that it runs"""
    ended_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["tenant", "-asked_at"], name="export_by_time")]

    def __str__(self) -> str:
        return str(self.id)
