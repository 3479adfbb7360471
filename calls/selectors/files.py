"""Rows of an export as lines of a file. JSONL is exact; CSV disarms what a spreadsheet would run.

What is downloaded as CSV is meant for spreadsheets and begins with BOM; the command line's is read by programs too, and
does not.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
BOM = "\ufeff"
"""Without it Excel takes UTF-8 for something else."""

_FORMULA = re.compile(r"[\ufeff\s]*[=+\-@＝＋－＠]|[\ufeff ]*[\t\r\n\0]")  # noqa: RUF001  full-width on purpose
_PHONE = re.compile(r"\+[0-9]+( •••• [0-9]{4})?")  # whole, or masked as calls.domain.redaction does
_LINE_ENDS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})
"""Readers that split text into lines take these for line ends."""


def jsonl(rows: Iterable[Row], fields: Sequence[str]) -> Iterator[str]:
    """One JSON object a line, in UTF-8, exactly as stored."""
    for row in rows:
        line = json.dumps({name: row[name] for name in fields}, ensure_ascii=False, separators=(",", ":"))
        yield line.translate(_LINE_ENDS) + "\n"


def spreadsheet(file: Any, fields: Sequence[str]) -> Any:
    """A writer of CSV for spreadsheets: BOM, RFC 4180, its header is written. Disarms nothing by itself."""
    file.write(BOM)
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(fields)
    return writer


def csv_lines(rows: Iterable[Row], fields: Sequence[str]) -> Iterator[str]:
    """RFC 4180 with a header; None is an empty field. Texts that a spreadsheet would run begin with `'`."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(fields)
    yield _taken(buffer)
    for row in rows:
        writer.writerow([disarmed(row[name]) for name in fields])
        yield _taken(buffer)


def disarmed(value: Any) -> Any:
    """What would be a formula, with `'` before it. Numbers stay, also of phones (`+49301234`, `+49 •••• 1234`)."""
    if isinstance(value, str) and not value[:1].isalnum() and _FORMULA.match(value) and not _PHONE.fullmatch(value):
        return f"'{value}"
    return value


def _taken(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


FORMATS: Mapping[str, Callable[[Iterable[Row], Sequence[str]], Iterator[str]]] = {
    "jsonl": jsonl,
    "csv": csv_lines,
}
