"""Exports as jobs: asked for, begun, heard of, ended, fetched, forgotten. calls.actions.export_run writes the file."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from calls import dispatch
from calls.actions import audit
from calls.domain import exports as domain
from calls.domain.actors import Actor
from calls.domain.exports import OPEN, ExportState
from calls.domain.periods import Period
from calls.domain.roles import Capability
from calls.domain.views import iso
from calls.exceptions import CommandRejected, FileGone, InvalidInput, NotFound
from calls.models import Export
from calls.models.base import current_tenant

_OPEN = sorted(OPEN)
_KEPT = OPEN | {ExportState.DONE}
STRAY = timedelta(hours=1)
"""Age from which a file that belongs to no export is removed"""
_ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('calls_export ' || %s, 0))"


def ask(kind: str, *, file_format: str, period: Period, by: Actor) -> Export:
    """Put an export of the tenant in scope in line.

    Raises InvalidInput, NotAllowed, or CommandRejected when too many wait.
    """
    if kind not in domain.KINDS:
        raise InvalidInput("is none of the things that can be exported", "kind")
    if file_format not in domain.FILE_FORMATS:
        raise InvalidInput("is no format that there is", "file_format")
    if not period.since or not period.until:
        raise InvalidInput("is needed", "until" if period.since else "since")
    for capability in domain.KINDS[kind]:
        by.require(capability)
    _wait_for_the_others()
    if Export.objects.filter(state__in=_OPEN).count() >= domain.OPEN_LIMIT:
        raise CommandRejected(f"{domain.OPEN_LIMIT} exports wait or run already: wait for one, or cancel it")
    made = Export.objects.create(
        kind=kind,
        file_format=file_format,
        since=period.since,
        until=period.until,
        reveal=by.may(Capability.REVEAL),
        by_id=by.user_id,
    )
    _record("export.asked", made, by)
    dispatch.export(made.tenant_id, made.pk)
    return made


def cancel(code: UUID, *, by: Actor) -> Export:
    """Raises CommandRejected for one that is over. Its job notices within seconds."""
    export = _get(code, by)
    now = timezone.now()
    if not Export.objects.filter(pk=code, state__in=_OPEN).update(state=ExportState.CANCELLED, ended_at=now):
        raise CommandRejected("this export is over already")
    _record("export.cancelled", export, by)
    return export


def again(code: UUID, *, by: Actor) -> Export:
    """Ask for the same once more."""
    export = _get(code, by)
    return ask(export.kind, file_format=export.file_format, period=Period(export.since, export.until), by=by)


def fetch(code: UUID, *, by: Actor, looks: bool = False) -> tuple[Export, Path]:
    """The file, on record as fetched unless somebody only `looks` whether it is there.

    Raises FileGone after it expired, CommandRejected before it is there.
    """
    export = _get(code, by)
    if export.state in OPEN:
        raise CommandRejected("this export is not done yet")
    path = path_of(export)
    if (
        export.state != ExportState.DONE
        or (export.expires_at or export.asked_at) <= timezone.now()
        or not path.exists()
    ):
        raise FileGone("this file is gone: run the export again")
    if export.reveal:
        by.require(Capability.REVEAL)
    if not looks:
        _record("export.fetched", export, by)
    return export, path


def claim(code: UUID) -> Export | None:
    """Begin a waiting export, if it is the tenant's turn; None where it is not, or somebody else has begun it."""
    _wait_for_the_others()
    now = timezone.now()
    if Export.objects.filter(state=ExportState.RUNNING).count() >= domain.RUNNING_LIMIT:
        return None
    begun = Export.objects.filter(pk=code, state=ExportState.WAITING).update(
        state=ExportState.RUNNING, attempts=F("attempts") + 1, started_at=now, heard_at=now, rows=0, error=""
    )
    return Export.objects.get(pk=code) if begun else None


def heard(export: Export, rows: int, expected: int | None) -> bool:
    """The job runs; False where it need not any more: cancelled, or begun anew by another worker."""
    return bool(_ours(export).update(heard_at=timezone.now(), rows=rows, expected=expected))


def put_back(export: Export) -> None:
    """It could not begin now: it waits again, and the attempt does not count."""
    _ours(export).update(state=ExportState.WAITING, attempts=F("attempts") - 1, started_at=None, heard_at=None)


def done(export: Export, *, rows: int, size: int) -> bool:
    """False where it was cancelled at the last moment."""
    now = timezone.now()
    values = {"rows": rows, "expected": rows, "size": size, "ended_at": now, "expires_at": now + domain.KEPT}
    return bool(_ours(export).update(state=ExportState.DONE, heard_at=now, **values))


def fail(export: Export, error: str, rows: int) -> None:
    _ours(export).update(state=ExportState.FAILED, error=error[:300], rows=rows, ended_at=timezone.now())


def tend(now: datetime) -> None:
    """Of the tenant in scope: begin again what lost its worker, and have the next one begun."""
    lost = Export.objects.filter(state=ExportState.RUNNING, heard_at__lt=now - domain.SILENT)
    for export in lost:
        if export.attempts >= domain.ATTEMPTS:
            fail(export, "The worker was lost twice while it wrote this file.", export.rows)
        else:
            _ours(export).update(state=ExportState.WAITING, heard_at=None)
    nudge_next()


def nudge_next() -> None:
    """Wake a worker for the oldest export that waits."""
    waiting = Export.objects.filter(state=ExportState.WAITING).order_by("asked_at").first()
    if waiting and not Export.objects.filter(state=ExportState.RUNNING).exists():
        dispatch.export(waiting.tenant_id, waiting.pk)


def expire(now: datetime) -> None:
    """Of the tenant in scope: remove files that expired or belong to nothing, and rows that nobody looks at."""
    Export.objects.filter(state=ExportState.DONE, expires_at__lte=now).update(state=ExportState.EXPIRED)
    Export.objects.filter(~Q(state__in=[*_OPEN, ExportState.DONE]), asked_at__lt=now - domain.LISTED).delete()
    states = {str(code): state for code, state in Export.objects.values_list("pk", "state")}
    for path in directory().glob("*"):
        state = states.get(path.name.split(".")[0])
        # What no row knows may be what XLSX is put together from: only when it is old is it left over.
        with suppress(FileNotFoundError):  # its job may be done with it at this moment
            left_over = path.stat().st_mtime < (now - STRAY).timestamp() if state is None else state not in _KEPT
            if left_over:
                path.unlink()


def directory() -> Path:
    """Of the tenant in scope; private to the product's user."""
    root: Path = settings.EXPORTS_DIR
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = root / str(current_tenant.get())
    found.mkdir(exist_ok=True, mode=0o700)
    return found


def path_of(export: Export) -> Path:
    return directory() / f"{export.pk}.{export.file_format}"


def _ours(export: Export) -> Any:
    """The row, while this attempt is the one that runs."""
    return Export.objects.filter(pk=export.pk, state=ExportState.RUNNING, attempts=export.attempts)


def _get(code: UUID, by: Actor) -> Export:
    """Who may not ask for such an export may not touch it either."""
    export = Export.objects.filter(pk=code).first()
    if export is None:
        raise NotFound("no such export")
    for capability in domain.KINDS[export.kind]:
        by.require(capability)
    return export


def _wait_for_the_others() -> None:
    """Two at once would each count without the other."""
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME, [str(current_tenant.get())])


def _record(verb: str, export: Export, by: Actor) -> None:
    what = {"what": export.kind, "format": export.file_format, "since": iso(export.since), "until": iso(export.until)}
    audit.record(verb, by=by, kind="export", code=export.pk, **what)
