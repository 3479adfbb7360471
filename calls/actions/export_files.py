"""Writes batches of rows as a file: CSV, XLSX or Parquet, at flat memory. Knows no export and no tenant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from calls.domain.views import iso
from calls.selectors.bulk import Column, Row
from calls.selectors.files import disarmed, spreadsheet

CELL_LIMIT = 32_767
"""Characters of an Excel cell: a longer text is cut, and ends with CUT"""
CUT = "… [cut: use CSV or Parquet for the whole text]"
_TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "number": pa.int64(),
    "time": pa.timestamp("ms", tz="UTC"),
    "seconds": pa.decimal128(13, 3),
    "money": pa.decimal128(38, 15),
    "day": pa.date32(),
}
_PLAIN: Mapping[str, Callable[[Any], str]] = {
    "time": lambda at: iso(at) or "",
    "money": lambda amount: f"{amount:f}",
    "seconds": lambda seconds: f"{seconds:f}",
    "day": date.isoformat,
    "text": disarmed,
}
"""How values stand in a CSV; numbers stand as they are"""


class File(Protocol):
    """A file that grows by batches; not whole before it is closed."""

    def write(self, rows: Sequence[Row]) -> None: ...

    def close(self) -> None: ...

    def discard(self) -> None:
        """Instead of close: let go of it at once, and say nothing of what cannot be written. The path may remain."""


class CsvFile:
    """For spreadsheets (calls.selectors.files). Texts that one would run begin with `'`."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = spreadsheet(self._file, [column.name for column in columns])
        self._plain = [(n, _PLAIN[column.kind]) for n, column in enumerate(columns) if column.kind in _PLAIN]

    def write(self, rows: Sequence[Row]) -> None:
        lines = [list(row) for row in rows]
        for n, plain in self._plain:
            for line in lines:
                if line[n] is not None:
                    line[n] = plain(line[n])
        self._writer.writerows(lines)

    def close(self) -> None:
        self._file.close()

    def discard(self) -> None:
        with suppress(OSError):
            self._file.close()


class XlsxFile:
    """One sheet, row by row through a file of its own, so that memory stays flat. Texts are texts, never formulas."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        options = {"constant_memory": True, "tmpdir": str(path.parent), "default_date_format": "yyyy-mm-dd hh:mm:ss"}
        self._book = xlsxwriter.Workbook(str(path), options)
        self._sheet = self._book.add_worksheet()
        self._sheet.freeze_panes(1, 0)
        self._row = 0
        for n, column in enumerate(columns):
            self._sheet.write_string(0, n, column.name)
        day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        writers: dict[str, Callable[[int, int, Any], Any]] = {
            "text": self._text,
            "time": lambda row, n, at: self._sheet.write_datetime(row, n, at.astimezone(UTC).replace(tzinfo=None)),
            "day": lambda row, n, value: self._sheet.write_datetime(row, n, value, day),
        }
        self._writers = [writers.get(column.kind, self._sheet.write_number) for column in columns]

    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._row += 1
            for n, value in enumerate(row):
                if value is not None:
                    self._writers[n](self._row, n, value)

    def close(self) -> None:
        try:
            self._book.close()
        except FileCreateError as error:
            raise error.args[0] from None  # the OSError that is within
        finally:
            self.discard()

    def discard(self) -> None:
        """Packs nothing; what it was put together from goes."""
        with suppress(OSError):
            self._sheet.row_data_fh.close()
        Path(self._sheet.row_data_filename).unlink(missing_ok=True)

    def _text(self, row: int, column: int, text: str) -> None:
        whole = text if len(text) <= CELL_LIMIT else text[: CELL_LIMIT - len(CUT)] + CUT
        self._sheet.write_string(row, column, whole)


class ParquetFile:
    """One row group for each batch. Amounts are decimals, times are UTC."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._schema = pa.schema([(column.name, _TYPES[column.kind]) for column in columns])
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, rows: Sequence[Row]) -> None:
        columns = [
            pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), self._schema.types, strict=True)
        ]
        self._file.write_table(pa.Table.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        self._file.close()

    def discard(self) -> None:
        with suppress(OSError, pa.ArrowException):
            self._file.close()


FILES: Mapping[str, Callable[[Path, Sequence[Column]], File]] = {
    "csv": CsvFile,
    "xlsx": XlsxFile,
    "parquet": ParquetFile,
}
