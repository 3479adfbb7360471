"""Files: every format holds the same, and nothing that a spreadsheet runs."""

from __future__ import annotations

import codecs
from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from calls.actions import export_files
from calls.domain import exports as domain
from calls.selectors import bulk
from tests import factories
from tests.actions.export_desk import FORMULA, finished, rows_of, sheet
from tests.factories import NOON


@pytest.mark.parametrize("file_format", domain.FILE_FORMATS)
@pytest.mark.parametrize("kind", domain.KINDS)
def test_every_kind_in_every_format(acme, ana, call, kind, file_format):
    factories.make_usage(call)
    path, export = finished(ana, kind, file_format)
    assert (export.rows, export.size) == (1, path.stat().st_size)
    names = [column.name for column in bulk.COLUMNS[kind]]
    if file_format == "parquet":
        table = pq.read_table(path)
        assert table.column_names == names
        assert table.column("call_id").to_pylist() == [call.call_id]
        if kind == "charges":
            assert table.schema.field("amount_usd").type == pa.decimal128(38, 15)
            assert table.column("amount_usd").to_pylist() == [Decimal("0.0072096")]
            assert table.column("at").to_pylist() == [NOON + timedelta(seconds=3)]
    elif file_format == "csv":
        assert path.read_bytes().startswith(codecs.BOM_UTF8)
        assert list(rows_of(path)[0]) == names
    else:
        assert sheet(path)[0] == names


def test_nothing_in_a_file_is_a_formula(acme, ana, call):
    path, _ = finished(ana, "calls")
    assert rows_of(path)[0]["agent"] == f"'{FORMULA}"
    path, _ = finished(ana, "transcripts", "xlsx")
    assert FORMULA in sheet(path)[1]


def test_long_texts_are_cut_for_excel_and_say_so(tmp_path):
    path = tmp_path / "long.xlsx"
    file = export_files.XlsxFile(path, [bulk.Column("text")])
    file.write([("x" * 40_000,)])
    file.close()
    (cell,) = sheet(path)[1]
    assert len(cell) == export_files.CELL_LIMIT
    assert cell.endswith(export_files.CUT)


def test_numbers_are_masked_by_role(acme, ana, adam, call):
    assert rows_of(finished(ana, "calls")[0])[0]["from"] == "+44 •••• 0999"
    assert rows_of(finished(adam, "calls")[0])[0]["from"] == "+442079460999"
