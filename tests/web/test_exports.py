"""The page of exports: ask, watch, fetch, run again; wrong roles and rivals get nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from calls.actions import export_run
from calls.domain import exports as domain
from calls.domain.exports import ExportState
from calls.models import AuditEntry, Export
from calls.tenancy import tenant_scope
from calls.web.exports import BLOCK, Download
from tests import factories
from tests.factories import NOON

PAGE = "/t/acme/exports/"
DAY = NOON.date().isoformat()
FORM = {"kind": "charges", "since": DAY, "until": DAY, "file_format": "csv"}


@pytest.fixture(autouse=True)
def directory(settings, tmp_path):
    settings.EXPORTS_DIR = tmp_path / "exports"


def _only(tenant) -> Export:
    with tenant_scope(tenant.id):
        return Export.objects.get()


def test_from_the_form_to_the_file(committed_db, acme, ana):
    factories.make_usage(factories.make_call(acme))
    answer = ana.client.post(f"{PAGE}ask/", FORM)
    assert (answer.status_code, answer.url) == (302, PAGE)
    export = _only(acme)
    assert (export.since, export.until - export.since) == (NOON.replace(hour=0), timedelta(days=1))
    assert "Waiting" in ana.client.get(PAGE).content.decode()
    export_run.run(acme.id, export.pk)
    assert "1 rows" in ana.client.get(PAGE).content.decode()
    answer = ana.client.get(f"{PAGE}{export.pk}/file/")
    assert answer["Content-Disposition"] == f'attachment; filename="acme-charges-{DAY}-{DAY}.csv"'
    assert "no-store" in answer["Cache-Control"]
    lines = b"".join(answer.streaming_content).splitlines()
    assert len(lines) == 2
    assert int(answer["Content-Length"]) == _only(acme).size


@pytest.mark.usefixtures("committed_db")
def test_an_asynchronous_server_sends_it_in_blocks(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(b"x" * (2 * BLOCK + 1))

    made = Download(path, as_attachment=True)

    async def blocks() -> list[int]:
        return [len(block) async for block in made]

    assert async_to_sync(blocks)() == [BLOCK, BLOCK, 1]
    made.close()


def test_the_form_takes_the_range_of_the_page_before(ana):
    html = ana.client.get(f"{PAGE}?since=2026-11-01&until=2026-11-03").content.decode()
    assert 'value="2026-11-01"' in html
    assert 'value="2026-11-03"' in html
    assert ana.client.get(f"{PAGE}?since=nonsense").status_code == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"until": "2026-01-01"}, "Must not be before the first day."),
        ({"since": "soon"}, "Is no date"),
        ({"kind": "passwords"}, "Select a valid choice"),
        ({"since": ""}, "This field is required"),
    ],
)
def test_a_mistake_is_said_at_its_field_and_what_was_typed_is_kept(acme, ana, change, words):
    answer = ana.client.post(f"{PAGE}ask/", FORM | change)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert words in html
    assert f'value="{DAY}"' in html
    with tenant_scope(acme.id):
        assert not Export.objects.exists()


def test_too_many_at_once(acme, ana):
    for _ in range(domain.OPEN_LIMIT):
        factories.make_export(acme)
    answer = ana.client.post(f"{PAGE}ask/", FORM)
    assert answer.status_code == 409
    assert "wait for one, or cancel it" in answer.content.decode()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Waiting"),
        ({"state": "running", "heard_at": timezone.now() + timedelta(days=9)}, "Counting rows"),
        ({"state": "running", "heard_at": timezone.now() + timedelta(days=9), "rows": 2000, "expected": 9000}, "2,000 of 9,000 rows"),
        ({"state": "running", "heard_at": NOON, "expected": 9000}, "Waiting for a worker"),
        ({"state": "failed", "error": "The disk is full."}, "Failed: The disk is full."),
        ({"state": "cancelled"}, "Cancelled"),
        ({"state": "done", "rows": 7, "size": 1234, "expires_at": timezone.now() + timedelta(days=9)}, "7 rows, 1 kB"),
        ({"state": "done", "rows": 7, "expires_at": NOON - timedelta(days=900)}, "Expired; it had 7 rows"),
        ({"state": "expired", "rows": 7}, "Expired; it had 7 rows"),
    ],
)  # fmt: skip
def test_how_an_export_is_in_words(acme, ana, fields, words):
    made = factories.make_export(acme, **fields)
    (found,) = ana.client.get(f"{PAGE}status.json").json()["exports"]
    assert (found["id"], found["words"]) == (str(made.pk), words)
    assert words in ana.client.get(PAGE).content.decode()


def test_one_that_waits_long_waits_for_a_worker(acme, ana):
    factories.make_export(acme)
    with tenant_scope(acme.id):
        Export.objects.update(asked_at=timezone.now() - domain.SILENT - timedelta(seconds=1))
    assert ana.client.get(f"{PAGE}status.json").json()["exports"][0]["words"] == "Waiting for a worker"


def test_an_expired_file_is_gone_and_can_be_made_again(acme, ana):
    made = factories.make_export(acme, state="done", expires_at=NOON - timedelta(days=900))
    assert ana.client.get(f"{PAGE}{made.pk}/file/").status_code == 410
    assert "Run again" in ana.client.get(PAGE).content.decode()
    assert ana.client.post(f"{PAGE}{made.pk}/again/").status_code == 302
    with tenant_scope(acme.id):
        assert Export.objects.filter(state=ExportState.WAITING).count() == 1


def test_looking_at_a_file_is_no_download(committed_db, acme, ana):
    factories.make_usage(factories.make_call(acme))
    ana.client.post(f"{PAGE}ask/", FORM)
    export = _only(acme)
    export_run.run(acme.id, export.pk)
    address = f"{PAGE}{export.pk}/file/"
    answer = ana.client.head(address)
    assert (answer.status_code, int(answer["Content-Length"])) == (200, _only(acme).size)
    answer.close()
    assert _fetched(acme) == 0
    b"".join(ana.client.get(address).streaming_content)
    assert _fetched(acme) == 1


def test_a_file_that_goes_at_this_moment_is_gone(acme, ana, tmp_path, monkeypatch):
    made = factories.make_export(acme, state="done", expires_at=timezone.now() + timedelta(days=9))
    monkeypatch.setattr(Path, "exists", lambda path: True)
    assert ana.client.get(f"{PAGE}{made.pk}/file/").status_code == 410
    assert _fetched(acme) == 0


def _fetched(tenant) -> int:
    with tenant_scope(tenant.id):
        return AuditEntry.objects.filter(verb="export.fetched").count()


def test_cancelling(acme, ana):
    made = factories.make_export(acme)
    assert ana.client.get(f"{PAGE}{made.pk}/file/").status_code == 409
    ana.client.post(f"{PAGE}{made.pk}/cancel/")
    assert _only(acme).state == ExportState.CANCELLED
    answer = ana.client.post(f"{PAGE}{made.pk}/cancel/", follow=True)
    assert "This export is over already." in answer.content.decode()


def test_only_those_who_bill_and_only_their_own(acme, sam, rita):
    made = factories.make_export(acme)
    for person, status in ((sam, 403), (rita, 404)):
        for path in ("", "status.json", f"{made.pk}/file/"):
            assert person.client.get(PAGE + path).status_code == status
        for path in ("ask/", f"{made.pk}/cancel/", f"{made.pk}/again/"):
            assert person.client.post(PAGE + path, FORM).status_code == status
    assert rita.client.get(f"/t/globex/exports/{made.pk}/file/").status_code == 404
    assert rita.client.get("/t/globex/exports/status.json").json() == {"exports": []}
    assert _only(acme).state == ExportState.WAITING
