"""Celery tasks: entry points, a few lines each. Arguments are ids, never speech, numbers or keys."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from calls.actions import calls, commands
from calls.models import SignInLink, Tenant, Worker
from calls.sideband.loop import SidebandLoop
from calls.tenancy import tenant_scope


@shared_task(acks_late=True)
def attach(call: int) -> None:
    """Nudge: have this worker's loop attend the call unless somebody does. Idempotent; returns at once."""
    if SidebandLoop.current is not None:
        SidebandLoop.current.attach(call)


@shared_task
def settle_overdue() -> None:
    """Settle commands and calls that no worker will settle any more."""
    for tenant in Tenant.objects.values_list("pk", flat=True):
        with tenant_scope(tenant):
            commands.settle_overdue()
            calls.close_abandoned()


@shared_task
def tidy() -> None:
    """Remove sessions that expired, links that did a month ago, and workers that were not heard of for an hour."""
    call_command("clearsessions")
    SignInLink.objects.filter(expires_at__lt=timezone.now() - timedelta(days=30)).delete()
    Worker.objects.filter(seen_at__lt=timezone.now() - timedelta(hours=1)).delete()
