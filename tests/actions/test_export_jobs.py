"""Exports as jobs: who may ask, whose turn it is, what is on record, and when files go."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from calls.actions import export_jobs
from calls.domain import exports as domain
from calls.domain.exports import ExportState
from calls.domain.periods import Period
from calls.exceptions import CommandRejected, FileGone, InvalidInput, NotAllowed, NotFound
from calls.models import AuditEntry, Export
from calls.tenancy import tenant_scope
from tests import factories
from tests.actions.export_desk import DAY, PERIOD, ask, finished


def test_a_file_with_whole_numbers_is_for_those_who_may_see_them(acme, ana, adam, call):
    _, export = finished(adam, "calls")
    with tenant_scope(acme.id), pytest.raises(NotAllowed):
        export_jobs.fetch(export.pk, by=ana.actor)


def test_asking_cancelling_and_fetching_are_on_record(acme, ana, call):
    _, export = finished(ana)
    with tenant_scope(acme.id):
        export_jobs.fetch(export.pk, by=ana.actor)
    cancelled = ask(ana)
    with tenant_scope(acme.id):
        export_jobs.cancel(cancelled.pk, by=ana.actor)
        found = AuditEntry.objects.order_by("id").values_list("verb", "actor_label", "object_code")
        assert list(found) == [
            ("export.asked", ana.user.email, str(export.pk)),
            ("export.fetched", ana.user.email, str(export.pk)),
            ("export.asked", ana.user.email, str(cancelled.pk)),
            ("export.cancelled", ana.user.email, str(cancelled.pk)),
        ]


def test_who_does_not_bill_asks_for_no_charges(acme, sam, ana):
    with pytest.raises(NotAllowed):
        ask(sam)
    with tenant_scope(acme.id), pytest.raises(NotAllowed):
        export_jobs.cancel(factories.make_export(acme).pk, by=sam.actor)


def test_the_rival_finds_nothing(acme, rita):
    export = factories.make_export(acme)
    with tenant_scope(rita.tenant_id):
        for action in (export_jobs.cancel, export_jobs.again, export_jobs.fetch):
            with pytest.raises(NotFound):
                action(export.pk, by=rita.actor)
        assert export_jobs.claim(export.pk) is None


@pytest.mark.parametrize(
    ("kind", "file_format", "period", "field"),
    [
        ("words", "csv", PERIOD, "kind"),
        ("calls", "docx", PERIOD, "file_format"),
        ("calls", "csv", Period(DAY), "until"),
    ],
)
def test_what_cannot_be_exported_is_refused(ana, kind, file_format, period, field):
    with pytest.raises(InvalidInput) as refused:
        ask(ana, kind, file_format, period)
    assert refused.value.field == field


def test_a_tenant_has_one_export_at_a_time_and_a_short_line(acme, ana):
    made = [ask(ana) for _ in range(domain.OPEN_LIMIT)]
    with pytest.raises(CommandRejected, match="cancel it"):
        ask(ana)
    with tenant_scope(acme.id):
        assert export_jobs.claim(made[0].pk) is not None
        assert export_jobs.claim(made[0].pk) is None
        assert export_jobs.claim(made[1].pk) is None


def test_a_job_that_runs_says_so_and_hears_that_it_is_unwanted(acme, ana, call):
    made = ask(ana)
    with tenant_scope(acme.id):
        export = export_jobs.claim(made.pk)
        assert export_jobs.heard(export, 7, 9)
        assert Export.objects.values_list("rows", "expected").get() == (7, 9)
        export_jobs.cancel(made.pk, by=ana.actor)
        assert not export_jobs.heard(export, 8, 9)
        assert not export_jobs.done(export, rows=8, size=1)


def test_one_whose_worker_was_lost_begins_again_and_then_fails(acme, ana, call):
    made = ask(ana)
    late = timezone.now() + domain.SILENT + timedelta(seconds=1)
    for _ in range(domain.ATTEMPTS):
        with tenant_scope(acme.id):
            lost = export_jobs.claim(made.pk)
            export_jobs.tend(timezone.now())
            assert Export.objects.get().state == ExportState.RUNNING
            export_jobs.tend(late)
    with tenant_scope(acme.id):
        export = Export.objects.get()
        assert (export.state, export.attempts) == (ExportState.FAILED, domain.ATTEMPTS)
        assert "lost twice" in export.error
        assert not export_jobs.done(lost, rows=1, size=1), "a worker that comes back must not finish it"


def test_files_go_when_they_expire(acme, ana, call):
    path, export = finished(ana)
    stray = path.with_name("stray.csv")
    fresh = path.with_name("tmp123")
    for each in (stray, fresh):
        each.touch()
    os.utime(stray, (0, 0))
    with tenant_scope(acme.id):
        export_jobs.expire(timezone.now())
        assert path.exists()
        assert not stray.exists()
        assert fresh.exists()
        Export.objects.update(expires_at=timezone.now())
        with pytest.raises(FileGone):
            export_jobs.fetch(export.pk, by=ana.actor)
        export_jobs.expire(timezone.now())
        assert not path.exists()
        assert Export.objects.get().state == ExportState.EXPIRED
        Export.objects.update(asked_at=timezone.now() - domain.LISTED - timedelta(days=1))
        export_jobs.expire(timezone.now())
        assert not Export.objects.exists()


def test_the_same_again(acme, ana, call):
    _, export = finished(ana)
    with tenant_scope(acme.id):
        copy = export_jobs.again(export.pk, by=ana.actor)
    assert copy.pk != export.pk
    assert (copy.kind, copy.since, copy.until) == (export.kind, export.since, export.until)
