"""`export calls|transcripts|usage|charges --tenant SLUG --format jsonl|csv`: a tenant's rows as a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.actions import exports as action
from calls.domain import periods
from calls.domain.actors import SYSTEM
from calls.exceptions import InvalidInput, NotFound
from calls.selectors import bulk, exports
from calls.selectors.files import FORMATS
from calls.tenancy import tenant_scope


class Command(BaseCommand):
    """Streams to standard output, or to a file that appears when it is complete. On the tenant's record."""

    help = "Export calls, transcripts, token usage or charges of a tenant."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=sorted(exports.FIELDS))
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--format", required=True, choices=sorted(FORMATS), dest="file_format")
        moment = "date in the tenant's time zone, or date and time; counts for the start of the call"
        moment += " (charges: for the bill)"
        parser.add_argument("--since", help=f"{moment}; inclusive")
        parser.add_argument("--until", help=f"{moment}; exclusive")
        parser.add_argument("--output", metavar="FILE", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        kind, file_format, output = options["kind"], options["file_format"], options["output"]
        try:
            tenant = exports.tenant_named(options["tenant"])
            period = periods.read(options["since"], options["until"], tenant.timezone)
        except (NotFound, InvalidInput) as error:
            raise CommandError(str(error)) from None
        with tenant_scope(tenant.id):
            reveal = action.begin(kind, file_format=file_format, period=period, by=SYSTEM)
        with tenant_scope(tenant.id):
            bulk.lift_limits()  # also for whoever reads from us, and takes a pause
            rows = exports.rows(kind, period, reveal=reveal)
            lines = FORMATS[file_format](rows, exports.FIELDS[kind])
            if output:
                _write(output, lines)
            else:
                self._print(lines)

    def _print(self, lines: Iterable[str]) -> None:
        try:
            for line in lines:
                self.stdout.write(line, ending="")
        except BrokenPipeError:
            # The reader (`head`) has enough; without this the flush at exit would complain once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write(output: Path, lines: Iterable[str]) -> None:
    """Under another name until it is complete: half an export must not pass for a whole one."""
    part = output.with_name(f"{output.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
        part.replace(output)
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
