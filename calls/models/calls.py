"""Calls, and the stretches of them that nobody watched. The row of a call is what workers own by lease."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Q

from calls.domain.states import LIVE, Attachment, CallState, EndReason, Floor
from calls.models.base import TenantOwned

LIVE_STATES = sorted(state.value for state in LIVE)


class Call(TenantOwned):
    """One voice call. The hot path (actions.ingest) and the leases (actions.leases) write it in plain SQL."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    """Public id: pages, feed and commands use this one"""
    call_id = models.CharField(max_length=200)
    """The provider's id, opaque"""
    account = models.ForeignKey("calls.ProviderAccount", on_delete=models.PROTECT, related_name="+")
    agent = models.ForeignKey("calls.Agent", null=True, on_delete=models.SET_NULL, related_name="+")
    instruction_version = models.ForeignKey(
        "calls.InstructionVersion", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    from_number = models.CharField(max_length=120, blank=True)
    to_number = models.CharField(max_length=120, blank=True)
    media_security = models.CharField(max_length=20, blank=True)
    """srtp, rtp, or empty where the provider did not say"""

    state = models.CharField(max_length=12, choices=[(s.value, s.value) for s in CallState], default="ringing")
    # A ringing call that has a reason already is beyond the tenant's limit: its owner refuses it.
    end_reason = models.CharField(max_length=24, choices=[(r.value, r.value) for r in EndReason], blank=True)
    detail = models.CharField(max_length=500, blank=True)
    attachment = models.CharField(max_length=12, choices=[(a.value, a.value) for a in Attachment], default="detached")
    floor = models.CharField(max_length=10, choices=[(f.value, f.value) for f in Floor], blank=True)
    last_words = models.CharField(max_length=240, blank=True)
    last_speaker = models.CharField(max_length=10, blank=True)
    reply_ms = models.PositiveIntegerField(null=True)
    """Reply time of the agent's latest turn"""
    session = models.JSONField(null=True)
    """The effective session as the provider last reported it, without secrets"""
    rate_limits = models.JSONField(null=True)
    usage_incomplete = models.BooleanField(default=False)
    oddities = models.PositiveIntegerField(default=0)
    """Frames that were unrecognised, malformed or out of order"""

    quiet_since = models.DateTimeField(null=True)
    """Nobody speaks since then; null: somebody does. For the first paint: screens are told by hints"""
    interruptions = models.PositiveIntegerField(default=0, db_default=0)
    interrupted_at = models.DateTimeField(null=True)
    tool_failed_at = models.DateTimeField(null=True)
    asked_for_person_at = models.DateTimeField(null=True)
    unconfirmed_at = models.DateTimeField(null=True)
    helped_at = models.DateTimeField(null=True)
    """These six are domain.changes.Signs: why a call may need somebody"""

    started_at = models.DateTimeField()
    """When the provider announced the call"""
    answered_at = models.DateTimeField(null=True)
    """When the sideband first opened"""
    ended_at = models.DateTimeField(null=True)
    last_event_at = models.DateTimeField(null=True)
    deadline = models.DateTimeField(null=True)
    """The provider's cap on the session"""

    owner = models.UUIDField(null=True)
    """The worker process that holds the lease"""
    epoch = models.BigIntegerField(default=0)
    """Fencing token: grows with every taking; a write under an older one is refused"""
    takeovers = models.PositiveIntegerField(default=0)
    """Unplanned ones, none of them leases.CROWDED_WITHIN after the one before"""
    taken_at = models.DateTimeField(null=True)
    """When it was taken last, by whomever"""
    lease_expires = models.DateTimeField(null=True)
    """In no index: each renewal would write into all of them. Sweeps read the live calls by `call_live`"""
    flush = models.BigIntegerField(default=0, db_default=0)
    """Number of the owner's latest flush that is stored; one that comes again is known by it"""
    last_seq = models.BigIntegerField(default=0)
    """Number of the latest entry of this call's stream"""

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "call_id"], name="call_id_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "-started_at"], name="call_by_start"),
            models.Index(fields=["tenant", "state"], name="call_live", condition=Q(state__in=LIVE_STATES)),
            models.Index(fields=["tenant", "ended_at"], name="call_by_end", condition=Q(ended_at__isnull=False)),
            models.Index(fields=["owner"], name="call_by_owner", condition=Q(owner__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.code)


class Gap(TenantOwned):
    """A stretch of a call that nobody watched, with its cause."""

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="gaps", db_index=False)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    cause = models.CharField(max_length=24)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["call", "started_at"], name="gap_once"),
        ]
