"""`provision FILE`: tenants, members, accounts, agents and routes from one JSON document."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calls.actions.provisioning import provision
from calls.domain.actors import SYSTEM
from calls.domain.manifest import ManifestRejected


class Command(BaseCommand):
    """Prints what exists afterwards as JSON; or every fault on stderr, one a line, having written nothing."""

    help = "Bring tenants, members, accounts, agents and routes to what a JSON document says. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="path of the document; - reads standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = provision(_read(options["file"]), by=SYSTEM)
        except ManifestRejected as rejected:
            raise CommandError("\n".join(map(str, rejected.problems))) from None
        self.stdout.write(json.dumps(report, indent=2, ensure_ascii=False))


def _read(file: str) -> Any:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from None
    try:
        return json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not UTF-8") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise CommandError(f"{file} is not JSON: {error.msg} in {place}") from None
    except RecursionError:
        raise CommandError(f"{file} is nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The last of two equal keys would win in silence."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise CommandError(f"document: the key {key!a} appears twice in one object")
        found[key] = value
    return found


def _refuse(constant: str) -> None:
    raise CommandError(f"document: {constant} is no JSON")
