"""What was said and done in a call, and what it used."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from calls.models.base import TenantOwned


class Turn(TenantOwned):
    """One conversation item in its latest known shape; the fields are those of domain.changes.Turn."""

    call = models.ForeignKey("calls.Call", on_delete=models.CASCADE, related_name="turns", db_index=False)
    item_id = models.CharField(max_length=200)
    rank = models.FloatField()
    kind = models.CharField(max_length=12)
    speaker = models.CharField(max_length=10)
    status = models.CharField(max_length=12)
    text = models.TextField(blank=True)
    heard_text = models.TextField(null=True)  # noqa: DJ001  null says "nothing was cut off", empty says "nothing was heard"
    heard_ms = models.PositiveIntegerField(null=True)
    name = models.CharField(max_length=200, blank=True)
    tool_call_id = models.CharField(max_length=200, blank=True)
    arguments = models.TextField(blank=True)
    output = models.TextField(blank=True)
    transcription = models.CharField(max_length=10, null=True)  # noqa: DJ001  null says "none is due"
    response_id = models.CharField(max_length=200, blank=True)
    reply_ms = models.PositiveIntegerField(null=True)
    command_id = models.UUIDField(null=True)
    steps = models.JSONField(default=list)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["call", "item_id"], name="turn_once"),
        ]
        indexes: ClassVar = [
            # The usage page counts reply times of a stretch of time without touching the turns' own pages.
            models.Index(
                fields=["tenant", "started_at"],
                name="turn_by_reply",
                include=["reply_ms", "call"],
                condition=models.Q(reply_ms__isnull=False),
            ),
        ]


class TokenUsage(TenantOwned):
    """What one response or one transcription used; cached tokens are a subset of the input ones."""

    call = models.ForeignKey("calls.Call", on_delete=models.CASCADE, related_name="usage", db_index=False)
    kind = models.CharField(max_length=13)
    ref_id = models.CharField(max_length=200)
    """response_id or item_id"""
    model = models.CharField(max_length=80, blank=True)
    input_text = models.BigIntegerField(default=0)
    input_audio = models.BigIntegerField(default=0)
    input_image = models.BigIntegerField(default=0)
    cached_text = models.BigIntegerField(default=0)
    cached_audio = models.BigIntegerField(default=0)
    cached_image = models.BigIntegerField(default=0)
    output_text = models.BigIntegerField(default=0)
    output_audio = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    split_known = models.BooleanField(default=True)
    seconds = models.DecimalField(max_digits=10, decimal_places=3, null=True)
    complete = models.BooleanField(default=True)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["call", "kind", "ref_id"], name="usage_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "at"], name="usage_by_time")]
