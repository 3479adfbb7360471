"""Deliveries that the provider made, each kept with our verdict."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from calls.models.base import TenantOwned


class WebhookEvent(TenantOwned):
    """One verified delivery. Unverified ones are counted, never stored: anyone could fill the table."""

    account = models.ForeignKey("calls.ProviderAccount", on_delete=models.CASCADE, related_name="+")
    webhook_id = models.CharField(max_length=128)
    event_id = models.CharField(max_length=128, blank=True)
    type = models.CharField(max_length=80)
    created_at = models.DateTimeField(null=True)
    """The event's own time, by the provider; an attempt hours later keeps it"""
    received_at = models.DateTimeField(auto_now_add=True)
    verdict = models.CharField(max_length=16)
    """ringing, missed, refused, duplicate_call, ignored"""
    call = models.ForeignKey("calls.Call", null=True, on_delete=models.SET_NULL, related_name="+")
    body = models.JSONField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "webhook_id"], name="webhook_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["account", "-received_at"], name="webhook_by_time")]
