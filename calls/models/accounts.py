"""Provider accounts: where calls come from and with which credentials they are handled."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from calls.models.base import TenantOwned


class ProviderAccount(TenantOwned):
    """One account at a provider. Keys and secrets are sealed (calls.sealing), bound to this tenant and row."""

    KINDS: ClassVar = [("openai", "OpenAI"), ("azure", "Azure OpenAI"), ("gateway", "Compatible gateway")]

    code = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=KINDS, default="openai")
    base_url = models.URLField(max_length=300, default="https://api.openai.com/v1")
    api_key_sealed = models.BinaryField(default=b"")
    api_key_hint = models.CharField(max_length=8, blank=True)
    """The last four characters, for people to recognise a key by"""
    webhook_secret_sealed = models.BinaryField(default=b"")
    previous_webhook_secret_sealed = models.BinaryField(default=b"")
    """The secret before the last rotation: both are valid until the next one"""
    path_token = models.CharField(max_length=64, unique=True)
    """Path of the webhook address: 32 hex digits that name the tenant, 32 random ones"""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "name"], name="account_name_once"),
        ]

    def __str__(self) -> str:
        return self.name
