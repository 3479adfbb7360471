"""The numbered log that screens are fed from: one stream per call, one coarse stream per tenant."""

from __future__ import annotations

import uuid

from django.db import models

from calls.models.base import TenantOwned


class TenantStream(TenantOwned):
    """Head of a tenant's streams. `epoch` changes only when their past is gone (a restore from a backup)."""

    tenant = models.OneToOneField("calls.Tenant", primary_key=True, on_delete=models.CASCADE, related_name="+")
    epoch = models.UUIDField(default=uuid.uuid4)
    last_seq = models.BigIntegerField(default=0)


class TenantEvent(TenantOwned):
    """An entry of the stream `tenant`: a call opened, changed state or ended."""

    pk = models.CompositePrimaryKey("tenant_id", "seq")
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=12)
    at = models.DateTimeField()
    body = models.JSONField()


class CallEvent(TenantOwned):
    """An entry of the stream of a call."""

    pk = models.CompositePrimaryKey("call_id", "seq")
    call = models.ForeignKey("calls.Call", on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=12)
    at = models.DateTimeField()
    body = models.JSONField()
