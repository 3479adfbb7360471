"""Celery tasks: entry points, a few lines each. Arguments are ids, never speech, numbers or keys."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from calls.actions import calls, commands, export_jobs, export_run, usage
from calls.models import SignInLink, Tenant, Worker
from calls.sideband.loop import SidebandLoop
from calls.tenancy import tenant_scope

SUMS_AT_ONCE = 40
"""Days that one run takes on for a tenant; the next run goes on"""


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
def export(tenant: str, code: str) -> None:
    """Nudge: write the file of an export, if it is its turn. Idempotent."""
    export_run.run(UUID(tenant), UUID(code))


@shared_task
def tend_exports() -> None:
    """Begin exports whose nudge was lost, and those whose worker was."""
    for tenant in Tenant.objects.values_list("pk", flat=True):
        with tenant_scope(tenant):
            export_jobs.tend(timezone.now())


@shared_task
def sum_up_usage() -> None:
    """Make the sums of usage where they are marked, for a day's quarter hours at a time."""
    for tenant in Tenant.objects.values_list("pk", flat=True):
        for _ in range(SUMS_AT_ONCE):
            with tenant_scope(tenant):
                if not usage.sum_up():
                    break


@shared_task
def tidy() -> None:
    """Remove sessions that expired, links that did a month ago, workers that were not heard of for an hour, and files
    of exports that expired."""
    call_command("clearsessions")
    SignInLink.objects.filter(expires_at__lt=timezone.now() - timedelta(days=30)).delete()
    Worker.objects.filter(seen_at__lt=timezone.now() - timedelta(hours=1)).delete()
    for tenant in Tenant.objects.values_list("pk", flat=True):
        with tenant_scope(tenant):
            export_jobs.expire(timezone.now())
