"""`check_ledger LEDGER --tenant SLUG`: does what is stored agree with what the simulator knows to be true?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.domain.periods import ALWAYS
from calls.exceptions import NotFound
from calls.selectors import exports
from calls.simulator.compare import compare
from calls.tenancy import tenant_scope

SHOWN = 100
"""Differences that are printed one by one; the rest is only counted."""


class Command(BaseCommand):
    """Fails when anything differs, and when there was nothing to compare."""

    help = "Compare the calls of tenants with the ledger of a simulator run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ledger", type=Path, help="the simulator's ledger, JSON lines")
        parser.add_argument("--tenant", required=True, action="append", metavar="SLUG", help="repeat for several")

    def handle(self, *args: Any, **options: Any) -> None:
        truths = list(_truths(options["ledger"]))
        calls, turns, usage, gaps = _stored(options["tenant"])
        report = compare(truths, calls, turns, usage, gaps)
        details = [asdict(difference) for difference in report.differences[:SHOWN]]
        found = {**report.summary(), "truths": len(truths), "details": details}
        self.stdout.write(json.dumps(found, indent=2, ensure_ascii=False))
        if not report.ok:
            raise CommandError(f"{len(report.differences)} differences")


def _stored(slugs: list[str]) -> tuple[list[exports.Row], ...]:
    found: tuple[list[exports.Row], ...] = ([], [], [], [])
    for slug in dict.fromkeys(slugs):
        try:
            tenant = exports.tenant_named(slug)
        except NotFound as error:
            raise CommandError(str(error)) from None
        with tenant_scope(tenant.id):
            found[0].extend(exports.calls(ALWAYS, reveal=True))
            found[1].extend(exports.transcripts(ALWAYS))
            found[2].extend(exports.usage(ALWAYS))
            found[3].extend(exports.gaps(ALWAYS))
    return found


def _truths(ledger: Path) -> Iterator[dict[str, Any]]:
    try:
        with ledger.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                # Nearly all lines are frames; reading them too would take minutes in a long run.
                if b'"truth"' not in line:
                    continue
                try:
                    entry = json.loads(line)
                except ValueError:
                    raise CommandError(f"{ledger}: line {number} is not JSON") from None
                if entry.get("kind") == "truth":
                    yield entry
    except OSError as error:
        raise CommandError(f"{ledger} cannot be read: {error.strerror}") from None
