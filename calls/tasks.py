"""Celery tasks: entry points, a few lines each. Arguments are ids, never speech, numbers or keys."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from datetime import timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

from celery import shared_task
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone
from psycopg.errors import QueryCanceled

from calls import resources
from calls.actions import calls, commands, export_jobs, export_run, processes, usage
from calls.models import SignInLink, Tenant, Worker
from calls.sideband.loop import SidebandLoop
from calls.tenancy import HOLDS_CALLS_MS, tenant_scope

logger = logging.getLogger(__name__)

SUMS_AT_ONCE = 40
"""Days that one run takes on for a tenant; the next run goes on"""
FEWER = usage.QUARTERS_AT_ONCE // 4
"""Quarter hours at a time where a day's took longer than a statement may"""


@shared_task(acks_late=True)
def attach(*calls: int) -> None:
    """Nudge: have this worker's loop attend the calls unless somebody does. Idempotent; returns at once."""
    if SidebandLoop.current is not None:
        SidebandLoop.current.attach(*calls)


@shared_task
def settle_overdue() -> None:
    """Settle commands and calls that no worker will settle any more."""

    def settle(tenant: UUID) -> None:
        with tenant_scope(tenant, idle_ms=HOLDS_CALLS_MS):
            commands.settle_overdue()
            calls.close_abandoned()

    _for_each_tenant(settle)
    _say_that_jobs_run()


@shared_task
def export(tenant: str, code: str) -> None:
    """Nudge: write the file of an export, if it is its turn. Idempotent."""
    export_run.run(UUID(tenant), UUID(code))


@shared_task
def tend_exports() -> None:
    """Begin exports whose nudge was lost, and those whose worker was."""

    def tend(tenant: UUID) -> None:
        with tenant_scope(tenant):
            export_jobs.tend(timezone.now())

    _for_each_tenant(tend)


@shared_task
def sum_up_usage() -> None:
    """Make the sums of usage where they are marked, for a day's quarter hours at a time."""
    _for_each_tenant(_sum_up)


@shared_task
def tidy() -> None:
    """Remove sessions that expired, links that did a month ago, workers that were not heard of for an hour, and files
    of exports that expired."""
    call_command("clearsessions")
    SignInLink.objects.filter(expires_at__lt=timezone.now() - timedelta(days=30)).delete()
    Worker.objects.filter(seen_at__lt=timezone.now() - timedelta(hours=1)).delete()

    def expire(tenant: UUID) -> None:
        with tenant_scope(tenant):
            export_jobs.expire(timezone.now())

    _for_each_tenant(expire)


def _sum_up(tenant: UUID) -> None:
    limit = usage.QUARTERS_AT_ONCE
    for _ in range(SUMS_AT_ONCE):
        try:
            with tenant_scope(tenant):
                if not usage.sum_up(limit):
                    return
        except OperationalError as error:
            if limit == FEWER or not isinstance(error.__cause__, QueryCanceled):
                raise
            limit = FEWER


def _say_that_jobs_run() -> None:
    """One row for the processes of a jobs worker, by the one that started them: who does the next round is chance."""
    parent = os.getppid()
    owner = uuid5(NAMESPACE_OID, f"{socket.gethostname()} {parent}")
    processes.beat(owner, "jobs", resources.counters(), pid=parent)


def _for_each_tenant(work: Callable[[UUID], None]) -> None:
    """One that fails stops no other; the task fails at the end. Errors may quote what was read: only types are told."""
    failed = []
    for tenant in Tenant.objects.values_list("pk", flat=True):
        try:
            work(tenant)
        except Exception as error:  # noqa: BLE001  raised at the end
            name = type(error).__name__
            logger.error("a task failed for a tenant", extra={"tenant": str(tenant), "error": name})
            failed.append(name)
    if failed:
        raise RuntimeError(f"failed for {len(failed)} tenants: {', '.join(sorted(set(failed)))}")
