"""What can be exported, as what, and how an export goes. Bounds of all exports; no rows, no files."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from calls.domain.roles import Capability


class ExportState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


OPEN = frozenset({ExportState.WAITING, ExportState.RUNNING})

KINDS: Mapping[str, frozenset[Capability]] = {
    "calls": frozenset({Capability.SEE, Capability.BILL}),
    "transcripts": frozenset({Capability.SEE, Capability.BILL}),
    "usage": frozenset({Capability.SEE, Capability.BILL}),
    "charges": frozenset({Capability.SEE, Capability.BILL}),
}
"""What an export of a kind asks of whoever asks for it: in bulk, also calls and transcripts are for those who report.
The page of exports asks for the same."""

FILE_FORMATS: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}

KEPT = timedelta(hours=24)
"""How long a file can be fetched"""
LISTED = timedelta(days=30)
"""How long an export stays in the list after its file is gone"""
SILENT = timedelta(seconds=30)
"""A job that was not heard of for so long has lost its worker"""
ATTEMPTS = 2
"""Times that an export is begun before it has failed"""
RUNNING_LIMIT = 1
"""Exports of one tenant at the same time; the others wait their turn"""
OPEN_LIMIT = 5
"""Exports of one tenant that wait or run; another one is refused"""
ROW_LIMIT = 5_000_000
SHEET_ROWS = 1_048_575
"""Rows of an Excel sheet beside its header: what has more is refused as XLSX"""
BYTE_LIMIT = 1 << 30
"""Of the file. Beyond these limits an export fails and says so; half a file is never handed out"""
SLOTS = 2
"""Exports at the same time over all tenants: the jobs worker keeps a process for what settles calls"""
