"""Lines of exported files: JSONL comes back exactly, CSV by RFC 4180 and without formulas."""

from __future__ import annotations

import csv
import io
import json

import pytest

from calls.selectors.files import csv_lines, disarmed, jsonl

ROWS = [
    {"text": 'He said "a, b"\r\nand\x85\u2028more', "count": 3, "none": None, "empty": ""},
    {"text": "=1+1", "count": -3, "none": None, "empty": ""},
]
FIELDS = ["text", "count", "none", "empty"]


def test_jsonl_comes_back_exactly():
    text = "".join(jsonl(ROWS, FIELDS))
    assert [json.loads(line) for line in text.splitlines()] == ROWS


def test_csv_has_a_header_and_ends_its_lines_as_the_rfc_says():
    text = "".join(csv_lines(ROWS, FIELDS))
    assert text.startswith("text,count,none,empty\r\n")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[1:] == [[ROWS[0]["text"], "3", "", ""], ["'=1+1", "-3", "", ""]]


def test_rows_are_taken_one_by_one():
    lines = csv_lines(iter(ROWS), FIELDS)
    next(lines)
    assert next(lines).startswith('"He said')


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\ufeff=1", " \ufeff =1", "\ttext",
        "\rtext", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x", "+49 30 1234", "-1", "+",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_would_run_is_disarmed(text):
    assert disarmed(text) == f"'{text}"


@pytest.mark.parametrize(
    "value", ["+493012345", "+49 •••• 2345", "hello = world", "a-b", "", "'=1", 3, -3, 1.5, None, "1+1"]
)
def test_what_is_harmless_stays(value):
    assert disarmed(value) == value
