"""Who did what: rows are only ever added; a trigger refuses anything else."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from calls.models.base import TenantOwned


class AuditEntry(TenantOwned):
    """One thing that a person, or the system, did. Holds no speech and no secret."""

    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(
        "calls.User", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    actor_label = models.CharField(max_length=200)
    """E-mail address at that time, or `system`"""
    verb = models.CharField(max_length=60)
    """Dotted, past tense: call.command_requested, account.created"""
    object_kind = models.CharField(max_length=40)
    object_code = models.CharField(max_length=80)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["tenant", "-at"], name="audit_by_time"),
            models.Index(fields=["tenant", "object_kind", "object_code", "-at"], name="audit_by_object"),
        ]
