"""Short words for what the tests of exports do again and again: asking, waiting, reading."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import timedelta
from xml.etree import ElementTree

from calls.actions import export_jobs, export_run
from calls.domain.exports import ExportState
from calls.domain.periods import Period
from calls.models import Export
from calls.tenancy import tenant_scope
from tests.factories import NOON

DAY = NOON.replace(hour=0)
PERIOD = Period(DAY, DAY + timedelta(days=1))
FORMULA = '=HYPERLINK("http://evil.example","Click")'


def ask(person, kind="charges", file_format="csv", period=PERIOD):
    with tenant_scope(person.tenant_id):
        return export_jobs.ask(kind, file_format=file_format, period=period, by=person.actor)


def finished(person, kind="charges", file_format="csv"):
    """The path of the file, and its row."""
    made = ask(person, kind, file_format)
    export_run.run(person.tenant_id, made.pk)
    with tenant_scope(person.tenant_id):
        export = Export.objects.get(pk=made.pk)
        assert export.state == ExportState.DONE, export.error
        return export_jobs.path_of(export), export


def rows_of(path):
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def sheet(path):
    """The cells of an Excel file, as a reader without any trust in its writer sees them."""
    with zipfile.ZipFile(path) as book:
        root = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314  our own file
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    assert root.find(".//m:f", space) is None, "a formula"
    return [
        [(cell.findtext(".//m:t", namespaces=space) or cell.findtext("m:v", namespaces=space)) for cell in row]
        for row in root.iterfind(".//m:row", space)
    ]
