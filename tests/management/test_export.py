"""`export`: whole files or none, clear errors, on record."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from calls.models import AuditEntry
from calls.selectors import exports
from calls.tenancy import tenant_scope
from tests import factories


def _export(*arguments: str) -> str:
    out = io.StringIO()
    call_command("export", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def call(acme):
    call = factories.make_call(acme, call_id="rtc_1", from_number="+493012345")
    factories.make_turn(call, "=HYPERLINK()")
    factories.make_usage(call)
    return call


@pytest.mark.parametrize("kind", exports.FIELDS)
def test_jsonl_has_the_fields_in_their_order(call, kind):
    (line,) = _export(kind, "--tenant", "acme", "--format", "jsonl").splitlines()
    row = json.loads(line)
    assert tuple(row) == exports.FIELDS[kind]
    assert row["call_id"] == "rtc_1"


def test_csv_disarms_what_was_said(call):
    text = _export("transcripts", "--tenant", "acme", "--format", "csv")
    header, row = csv.reader(io.StringIO(text, newline=""))
    assert tuple(header) == exports.FIELDS["transcripts"]
    assert row[header.index("text")] == "'=HYPERLINK()"


def test_numbers_are_written_in_full(call):
    assert "+493012345," in _export("calls", "--tenant", "acme", "--format", "csv")


def test_whoever_reads_an_export_may_take_a_pause(call, monkeypatch):
    """Longer than a page may hold its transaction open."""
    seen = []

    def paused(*args, **options):
        with connection.cursor() as cursor:
            cursor.execute("select current_setting('idle_in_transaction_session_timeout')")
            seen.append(cursor.fetchone())
        yield from ()

    monkeypatch.setattr(exports, "rows", paused)
    _export("calls", "--tenant", "acme", "--format", "csv")
    assert seen == [("1min",)]


def test_a_file_appears_when_it_is_complete(call, tmp_path, monkeypatch):
    path = tmp_path / "calls.csv"
    assert _export("calls", "--tenant", "acme", "--format", "csv", "--output", str(path)) == ""
    assert path.read_bytes().count(b"\r\n") == 2
    monkeypatch.setattr(exports, "rows", lambda *args, **options: iter([{}]))
    with pytest.raises(KeyError):
        _export("calls", "--tenant", "acme", "--format", "csv", "--output", str(path))
    assert path.read_bytes().count(b"\r\n") == 2
    assert [found.name for found in tmp_path.iterdir()] == ["calls.csv"]


def test_a_period_is_read_in_the_tenants_zone(acme, call):
    acme.timezone = "Pacific/Auckland"  # noon UTC is the next day there
    acme.save()
    limits = ("--tenant", "acme", "--format", "jsonl", "--since", "2026-11-21", "--until", "2026-11-22")
    assert _export("calls", *limits)
    assert not _export("calls", *limits[:-2], "--until", "2026-11-21T01:00")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["calls", "--tenant", "nobody", "--format", "csv"], "there is no tenant 'nobody'"),
        (["calls", "--tenant", "acme", "--format", "csv", "--since", "monday"], "since: is neither a date"),
        (["calls", "--tenant", "acme", "--format", "xls"], "invalid choice: 'xls'"),
        (["words", "--tenant", "acme", "--format", "csv"], "invalid choice: 'words'"),
        (["calls", "--tenant", "acme", "--format", "csv", "--output", "/nowhere/x"], "cannot be written"),
    ],
)
def test_a_mistake_is_named(acme, arguments, fault):
    with pytest.raises(CommandError, match=fault):
        _export(*arguments)


def test_an_export_is_on_record(acme, call):
    _export("usage", "--tenant", "acme", "--format", "jsonl")
    with tenant_scope(acme.id):
        entry = AuditEntry.objects.get()
    assert (entry.verb, entry.object_code, entry.actor_label) == ("export.begun", "usage", "system")
