"""Tasks are entry points: ids in, one call of an action or the loop."""

from datetime import timedelta

import pytest
from django.db import DataError, connection
from django.utils import timezone

from calls import tasks
from calls.actions import usage
from calls.domain.states import CommandState
from calls.models import Command, Export, UsageMark, UsageSum
from calls.models.base import current_tenant
from calls.sideband.loop import SidebandLoop
from calls.tenancy import tenant_scope
from tests import factories


def test_attach_asks_the_loop_of_this_process(monkeypatch):
    asked = []

    class Loop:
        def attach(self, *calls):
            asked.append(calls)

    monkeypatch.setattr(SidebandLoop, "current", Loop())
    tasks.attach(7)
    tasks.attach(8, 9)
    assert asked == [(7,), (8, 9)]


def test_attach_in_a_process_without_a_loop_is_nothing(monkeypatch):
    monkeypatch.setattr(SidebandLoop, "current", None)
    tasks.attach(7)


def test_commands_that_nobody_claimed_expire_in_every_tenant(acme, globex):
    made = {}
    for tenant in (acme, globex):
        command = factories.make_command(factories.make_call(tenant=tenant))
        made[tenant.id] = command.pk
        with tenant_scope(tenant.id):
            Command.objects.filter(pk=command.pk).update(requested_at=timezone.now() - timedelta(minutes=1))
    tasks.settle_overdue()
    for tenant, command in made.items():
        with tenant_scope(tenant):
            assert Command.objects.get(pk=command).state == CommandState.EXPIRED


def test_usage_is_summed_up_in_every_tenant(acme, globex):
    for tenant in (acme, globex):
        factories.make_usage(factories.make_call(tenant))
    tasks.sum_up_usage()
    for tenant in (acme, globex):
        with tenant_scope(tenant.id):
            assert UsageSum.objects.get().bills == 1
            assert not UsageMark.objects.exists()


def test_an_export_is_written_by_its_task_and_removed_when_it_expired(committed_db, acme, settings, tmp_path):
    settings.EXPORTS_DIR = tmp_path
    made = factories.make_export(acme)
    tasks.export(str(acme.id), str(made.pk))
    assert [path.name for path in (tmp_path / str(acme.id)).iterdir()] == [f"{made.pk}.csv"]
    with tenant_scope(acme.id):
        Export.objects.update(expires_at=timezone.now())
    tasks.tidy()
    assert list((tmp_path / str(acme.id)).iterdir()) == []


def test_an_export_whose_nudge_was_lost_is_nudged_again(acme, monkeypatch):
    nudged = []
    monkeypatch.setattr("calls.dispatch.export", lambda tenant, code: nudged.append((tenant, code)))
    made = factories.make_export(acme)
    tasks.tend_exports()
    assert nudged == [(acme.id, made.pk)]


@pytest.mark.parametrize(
    ("task", "work"),
    [
        (tasks.settle_overdue, "commands.settle_overdue"),
        (tasks.tend_exports, "export_jobs.tend"),
        (tasks.sum_up_usage, "usage.sum_up"),
        (tasks.tidy, "export_jobs.expire"),
    ],
)
def test_one_tenants_failure_stops_no_other_and_is_told_by_its_type(acme, globex, monkeypatch, caplog, task, work):
    asked = []

    def broken(*args):
        asked.append(current_tenant.get())
        raise DataError("speech")

    monkeypatch.setattr(f"calls.actions.{work}", broken)
    with pytest.raises(RuntimeError, match="failed for 2 tenants: DataError"):
        task()
    assert set(asked) == {acme.id, globex.id}
    assert {record.tenant for record in caplog.records} == {str(acme.id), str(globex.id)}
    assert "speech" not in caplog.text


def test_sums_that_take_too_long_are_made_of_fewer_quarters(acme, monkeypatch):
    factories.make_usage(factories.make_call(acme))
    limits, sum_up = [], usage.sum_up

    def slow(limit):
        limits.append(limit)
        if limit > tasks.FEWER:
            with connection.cursor() as cursor:
                cursor.execute("set local statement_timeout = 20; select pg_sleep(60)")
        return sum_up(limit)

    monkeypatch.setattr(usage, "sum_up", slow)
    tasks.sum_up_usage()
    assert limits == [usage.QUARTERS_AT_ONCE, tasks.FEWER, tasks.FEWER]
    with tenant_scope(acme.id):
        assert UsageSum.objects.get().bills == 1
