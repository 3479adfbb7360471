"""Writes the file of one export, in a process of the jobs worker. A file appears when it is whole, or not at all."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import psycopg
from django.db import DatabaseError, connection
from psycopg.errors import QueryCanceled

from calls.actions import export_jobs
from calls.actions.export_files import FILES
from calls.domain import exports as domain
from calls.domain.periods import Period
from calls.models import Export
from calls.selectors import bulk
from calls.tenancy import tenant_scope

logger = logging.getLogger(__name__)

NEWS_S = 1.0
"""How often a job says that it runs, and asks whether it should"""
TOO_SLOW = f"Reading took longer than {bulk.STATEMENT_MINUTES} minutes: pick fewer days."
_SLOT = "select pg_try_advisory_xact_lock(hashtextextended('calls_export_slot', %s))"


class _Stop(Exception):
    """The file will not be finished; the message says why, empty where nobody waits for it any more."""


class _NoSlot(Exception):
    """Other tenants' exports have all the places."""


class Pulse:
    """Tells the row every second how far the job is, from a thread of its own: a query may take its time."""

    def __init__(self, export: Export) -> None:
        self.rows = 0
        self.expected: int | None = None
        self.unwanted = False
        self._export = export
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="export-pulse", daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._over.wait(NEWS_S):
                try:
                    with tenant_scope(self._export.tenant_id):
                        self.unwanted = not export_jobs.heard(self._export, self.rows, self.expected)
                except DatabaseError as error:
                    logger.warning("an export could not say that it runs", extra={"error": type(error).__name__})
        finally:
            connection.close()


def run(tenant: UUID, code: UUID) -> None:
    """Begin and finish the export, unless it is not its turn. Another one that waits is nudged afterwards."""
    with tenant_scope(tenant):
        export = export_jobs.claim(code)
    if export is None:
        return
    try:
        _write(export)
    except _NoSlot:
        with tenant_scope(tenant):
            export_jobs.put_back(export)
        return
    with tenant_scope(tenant):
        export_jobs.nudge_next()


def _write(export: Export) -> None:
    with tenant_scope(export.tenant_id):
        path = export_jobs.path_of(export)
    part = path.with_name(f"{export.pk}.{export.attempts}.part")
    pulse = Pulse(export)
    try:
        with pulse:
            _fill(export, part, pulse)
        part.chmod(0o600)
        # Only who wins the row may touch the file: that of another attempt may be there already.
        with tenant_scope(export.tenant_id):
            if export_jobs.done(export, rows=pulse.rows, size=part.stat().st_size):
                part.replace(path)
    except _NoSlot:
        raise
    except _Stop as stop:
        if str(stop):
            _failed(export, str(stop), pulse.rows)
    except OSError as error:
        logger.warning("an export could not be written", extra={"export": str(export.pk), "errno": error.errno})
        _failed(export, f"The file could not be written: {error.strerror}.", pulse.rows)
    except (DatabaseError, psycopg.Error) as error:
        # Its message may quote what was read.
        logger.warning("an export could not be read", extra={"export": str(export.pk), "error": type(error).__name__})
        slow = isinstance(error, QueryCanceled) or isinstance(error.__cause__, QueryCanceled)
        _failed(export, TOO_SLOW if slow else "The database did not answer.", pulse.rows)
    except Exception as error:  # noqa: BLE001  raised again, by its type
        name = type(error).__name__
        logger.error("an export failed", extra={"export": str(export.pk), "error": name})
        _failed(export, "Something broke on our side while this file was written.", pulse.rows)
        raise RuntimeError(f"an export failed: {name}") from None  # what reports this one would quote its message
    finally:
        part.unlink(missing_ok=True)


def _fill(export: Export, part: Path, pulse: Pulse) -> None:
    """A file is closed when the transaction is over: XLSX is packed then, which takes its time. What stops or breaks
    before that is what is told, so a discarded file says nothing."""
    period = Period(export.since, export.until)
    with ExitStack() as unfinished, tenant_scope(export.tenant_id):
        _take_slot()
        bulk.lift_limits()
        pulse.expected = bulk.count(export.kind, period)
        if pulse.expected > domain.ROW_LIMIT:
            raise _Stop(f"{pulse.expected:,} rows are more than the {domain.ROW_LIMIT:,} of one file: pick fewer days.")
        if export.file_format == "xlsx" and pulse.expected > domain.SHEET_ROWS:
            raise _Stop(
                f"{pulse.expected:,} rows are more than a sheet of Excel has: pick fewer days, or CSV or Parquet."
            )
        file = FILES[export.file_format](part, bulk.COLUMNS[export.kind])
        unfinished.callback(file.discard)
        for rows in bulk.batches(export.kind, period, reveal=export.reveal):
            file.write(rows)
            pulse.rows += len(rows)
            if pulse.unwanted:
                raise _Stop
            if part.exists() and part.stat().st_size > domain.BYTE_LIMIT:
                raise _Stop(f"The file grew beyond {domain.BYTE_LIMIT >> 20:,} MB: pick fewer days.")
        unfinished.pop_all()
    file.close()


def _take_slot() -> None:
    """Held until the transaction ends, however it does."""
    with connection.cursor() as cursor:
        for slot in range(domain.SLOTS):
            cursor.execute(_SLOT, [slot])
            if cursor.fetchone() == (True,):
                return
    raise _NoSlot


def _failed(export: Export, error: str, rows: int) -> None:
    with tenant_scope(export.tenant_id):
        export_jobs.fail(export, error, rows)
