"""Celery tasks: entry points, a few lines each. Arguments are ids, never speech, numbers or keys."""

from __future__ import annotations

from celery import shared_task
from django.core.management import call_command

from calls.actions import commands
from calls.models import Tenant
from calls.sideband.loop import SidebandLoop
from calls.tenancy import tenant_scope


@shared_task(acks_late=True)
def attach(call: int) -> None:
    """Nudge: have this worker's loop attend the call unless somebody does. Idempotent; returns at once."""
    if SidebandLoop.current is not None:
        SidebandLoop.current.attach(call)


@shared_task
def expire_commands() -> None:
    """Settle commands that no owner claimed in time."""
    for tenant in Tenant.objects.values_list("pk", flat=True):
        with tenant_scope(tenant):
            commands.expire_unclaimed()


@shared_task
def tidy() -> None:
    """Remove sessions that expired."""
    call_command("clearsessions")
