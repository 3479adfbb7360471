"""Invitations into a tenant: a link that works once, for a few days."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from calls.domain.roles import Role
from calls.models.base import TenantOwned


class Invitation(TenantOwned):
    """Somebody is asked in with a role. The link's secret is kept as a hash only: nobody can read it back."""

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField()
    role = models.CharField(max_length=12, choices=[(role.value, role.name.title()) for role in Role])
    digest = models.CharField(max_length=64)
    """SHA-256: the secret has 128 random bits, so nothing slower is needed"""
    invited_by = models.ForeignKey("calls.User", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "email"], name="invitation_once"),
        ]

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"
