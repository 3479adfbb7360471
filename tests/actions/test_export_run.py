"""From the asking to the file: whole files or none, and sums to the last digit."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
import xlsxwriter
from django.db import connection
from django.utils import timezone

from calls.actions import export_files, export_jobs, export_run
from calls.actions import usage as usage_action
from calls.domain import exports as domain
from calls.domain import prices
from calls.domain.exports import ExportState
from calls.models import Export
from calls.selectors import bulk, charges
from calls.selectors import usage as usage_selectors
from calls.tenancy import tenant_scope
from tests import factories
from tests.actions.export_desk import DAY, PERIOD, ask, finished, rows_of
from tests.selectors import test_charges as charges_tests


def test_charges_sum_to_the_figure_of_the_page(acme, ana, call):
    for n in range(200):
        factories.make_usage(
            call, at=DAY + timedelta(minutes=7 * n), input_text=1000 + n, input_audio=n * 3, output_audio=n,
            model="gpt-realtime" if n % 3 else "gpt-realtime-mini-2026-01-05", split_known=n % 7 > 0,
            complete=n % 11 > 0,
        )  # fmt: skip
        factories.make_usage(
            call, kind="transcription", model="gpt-realtime-whisper" if n % 2 else "my-deployment",
            seconds=Decimal(n) / 8, at=DAY + timedelta(minutes=n), input_text=0, input_audio=0, cached_text=0,
            output_text=0, output_audio=0,
        )  # fmt: skip
    with tenant_scope(acme.id):
        usage_action.sum_up()
        lists = charges.price_lists()
        lines = usage_selectors.usage([PERIOD.since, PERIOD.until], lists)
        page = prices.cost((line.record for line in lines), lists)
    path, export = finished(ana)
    found = rows_of(path)
    assert len(found) == export.rows == export.expected == page.bills
    for certainty, amount in (("exact", page.exact), ("estimated", page.estimated)):
        assert sum(Decimal(row["amount_usd"]) for row in found if row["certainty"] == certainty) == amount
        assert amount
    assert sum(row["certainty"] == "no figures" for row in found) == page.missing
    without = [row for row in found if row["certainty"] == "no price"]
    assert {row["without_price"] for row in without} == {"time"}
    assert sum(Decimal(row["seconds"]) for row in without) == page.unpriced["my-deployment"]["time"]
    assert all(not row["amount_usd"] for row in found if row["certainty"].startswith("no "))


def test_page_call_and_file_agree_where_a_bucket_has_no_price(acme, ana, call):
    charges_tests.add_list("no-images", DAY.date(), fresh_text="4", output_audio="64")
    text = dict.fromkeys(("input_audio", "cached_text", "output_text"), 0) | {"model": "no-images"}
    for n in range(20):
        factories.make_usage(call, at=DAY + timedelta(minutes=20 * n), split_known=n % 5 > 0, **text)
    factories.make_usage(call, at=DAY + timedelta(hours=3), input_image=1, **text)
    factories.make_usage(call, at=DAY + timedelta(hours=4), input_image=2, split_known=False, **text)
    factories.make_usage(
        call, at=DAY + timedelta(hours=5), input_image=4, **text | {"input_text": 0, "output_audio": 0}
    )
    with tenant_scope(acme.id):
        usage_action.sum_up()
        lists = charges.price_lists()
        lines = usage_selectors.usage([PERIOD.since, PERIOD.until], lists)
        page = prices.cost((line.record for line in lines), lists)
        assert charges.of_call(call) == page
    found = rows_of(finished(ana)[0])
    assert page.exact > 0 < page.estimated
    assert page.unpriced == {"no-images": {"fresh_image": 7}}
    for words, amount in (({"exact", "at least"}, page.exact), ({"estimated", "estimated, at least"}, page.estimated)):
        assert sum(Decimal(row["amount_usd"]) for row in found if row["certainty"] in words) == amount
    said = Counter((row["certainty"], row["without_price"]) for row in found if row["without_price"])
    assert said == {(one, "fresh_image"): 1 for one in ("at least", "estimated, at least", "no price")}


def test_files_are_private(acme, ana, call, directory):
    path, _ = finished(ana)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_one_that_is_cancelled_leaves_no_file(acme, ana, call, directory, monkeypatch):
    factories.make_usage(call)
    made = ask(ana)

    def cancelled_meanwhile(*args, **options):
        with tenant_scope(acme.id):
            export_jobs.cancel(made.pk, by=ana.actor)
        yield [(None,) * len(bulk.COLUMNS["charges"])]

    monkeypatch.setattr(bulk, "batches", cancelled_meanwhile)
    export_run.run(acme.id, made.pk)
    with tenant_scope(acme.id):
        assert Export.objects.get().state == ExportState.CANCELLED
    assert list((directory / str(acme.id)).iterdir()) == []


@pytest.mark.parametrize(
    ("limit", "file_format", "sentence"),
    [("ROW_LIMIT", "csv", "more than the 0 of one file"), ("SHEET_ROWS", "xlsx", "a sheet of Excel"), ("BYTE_LIMIT", "csv", "grew beyond")],
)  # fmt: skip
def test_beyond_a_limit_there_is_no_file_but_a_reason(
    acme, ana, call, directory, monkeypatch, limit, file_format, sentence
):
    for _ in range(200):  # more than the buffer of a file
        factories.make_usage(call)
    monkeypatch.setattr(domain, limit, 0)
    made = ask(ana, file_format=file_format)
    export_run.run(acme.id, made.pk)
    with tenant_scope(acme.id):
        export = Export.objects.get()
    assert export.state == ExportState.FAILED
    assert re.search(sentence, export.error)
    assert list((directory / str(acme.id)).iterdir()) == []


def test_an_attempt_that_was_overtaken_leaves_the_later_ones_file_alone(acme, ana, call, monkeypatch):
    factories.make_usage(call)
    made = ask(ana)
    closed = []

    class Overtaken(export_files.CsvFile):
        def close(self):
            super().close()
            closed.append(connection.in_atomic_block)
            if len(closed) == 1:
                with tenant_scope(acme.id):
                    export_jobs.tend(timezone.now() + domain.SILENT * 2)
                export_run.run(acme.id, made.pk)

    monkeypatch.setitem(export_files.FILES, "csv", Overtaken)
    export_run.run(acme.id, made.pk)
    assert closed == [False, False]  # no transaction waits while a file is packed
    with tenant_scope(acme.id):
        export = Export.objects.get()
        path = export_jobs.path_of(export)
    assert (export.state, export.attempts) == (ExportState.DONE, 2)
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    assert len(rows_of(path)) == 1


@pytest.mark.parametrize("file_format", domain.FILE_FORMATS)
@pytest.mark.parametrize("error", [ValueError, pa.ArrowInvalid, xlsxwriter.exceptions.FileSizeError])
def test_whatever_breaks_ends_the_export_and_quotes_nothing(
    acme, ana, call, directory, monkeypatch, caplog, file_format, error
):
    def broken(*args, **options):
        yield [(None,) * len(bulk.COLUMNS["charges"])]
        raise error("speech")

    monkeypatch.setattr(bulk, "batches", broken)
    monkeypatch.setattr(export_files.FILES[file_format], "close", lambda file: pytest.fail("packed"))
    made = ask(ana, file_format=file_format)
    with pytest.raises(RuntimeError, match=error.__name__):
        export_run.run(acme.id, made.pk)
    with tenant_scope(acme.id):
        export = Export.objects.get()
    assert (export.state, export.error) == (
        ExportState.FAILED,
        "Something broke on our side while this file was written.",
    )
    assert "speech" not in caplog.text
    assert list((directory / str(acme.id)).iterdir()) == []


@pytest.mark.parametrize("file_format", domain.FILE_FORMATS)
def test_why_a_file_was_given_up_is_what_is_said(acme, ana, call, monkeypatch, file_format):
    def written(file, rows):
        raise export_run._Stop("Enough.")

    monkeypatch.setattr(export_files.FILES[file_format], "write", written)
    factories.make_usage(call)
    made = ask(ana, file_format=file_format)
    export_run.run(acme.id, made.pk)
    with tenant_scope(acme.id):
        assert Export.objects.values_list("state", "error").get() == (ExportState.FAILED, "Enough.")


def test_a_full_disk_is_said_also_when_excel_is_packed(acme, ana, call, monkeypatch):
    def full(book):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xlsxwriter.Workbook, "_store_workbook", full)
    made = ask(ana, file_format="xlsx")
    export_run.run(acme.id, made.pk)
    with tenant_scope(acme.id):
        export = Export.objects.get()
        assert export.error == "The file could not be written: No space left on device."
        assert list(export_jobs.directory().iterdir()) == []


def test_reading_for_too_long_is_said(acme, ana, call, monkeypatch):
    monkeypatch.setattr(bulk, "STATEMENT_MINUTES", 0.02)  # of whole seconds
    monkeypatch.setitem(bulk._QUERIES, "charges", "select pg_sleep(60)")
    made = ask(ana)
    export_run.run(acme.id, made.pk)
    with tenant_scope(acme.id):
        assert Export.objects.get().error == "Reading took longer than 10 minutes: pick fewer days."


def test_a_statement_of_an_export_has_a_limit(acme):
    with tenant_scope(acme.id), connection.cursor() as cursor:
        bulk.lift_limits()
        cursor.execute("show statement_timeout")
        assert cursor.fetchone() == ("10min",)


def test_a_full_disk_is_said(acme, ana, call, monkeypatch):
    def full(path, columns):
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(export_files.FILES, "csv", full)
    made = ask(ana)
    export_run.run(acme.id, made.pk)
    with tenant_scope(acme.id):
        export = Export.objects.get()
    assert (export.state, export.error) == (
        ExportState.FAILED,
        "The file could not be written: No space left on device.",
    )


def test_other_tenants_exports_can_take_all_places(acme, globex, ana, call, monkeypatch):
    monkeypatch.setattr(domain, "SLOTS", 0)
    made = ask(ana)
    export_run.run(acme.id, made.pk)
    with tenant_scope(acme.id):
        assert Export.objects.values_list("state", "attempts").get() == (ExportState.WAITING, 0)
