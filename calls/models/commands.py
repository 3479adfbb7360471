"""Operators' commands, from the request to the proof."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from calls.domain.commands import Verb
from calls.domain.states import CommandState
from calls.models.base import TenantOwned


class Command(TenantOwned):
    """What a member asked of a call. Claimed by the owner under its epoch, settled by the provider's own event."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    call = models.ForeignKey("calls.Call", on_delete=models.CASCADE, related_name="commands")
    verb = models.CharField(max_length=12, choices=[(v.value, v.value) for v in Verb])
    text = models.TextField(blank=True)
    """The operator's words, the target of a transfer, or what changes in the session, in words"""
    settings = models.JSONField(default=dict, db_default={})
    """Session: the part of the session body that it sets, checked and without secrets"""
    key = models.CharField(max_length=64)
    """Idempotency key made with the page: the same key is the same command"""
    by = models.ForeignKey("calls.User", null=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(max_length=13, choices=[(s.value, s.value) for s in CommandState], default="requested")
    detail = models.CharField(max_length=500, blank=True)
    after_item_id = models.CharField(max_length=200, blank=True)
    epoch = models.BigIntegerField(null=True)
    """Lease epoch of the owner that claimed it"""
    requested_at = models.DateTimeField(auto_now_add=True)
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["call", "key"], name="command_key_once"),
            models.UniqueConstraint(
                fields=["call"],
                condition=Q(verb="hang_up", state__in=["requested", "claimed", "sent", "confirmed"]),
                name="one_hang_up",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["call"], name="command_waiting", condition=Q(state="requested")),
        ]
