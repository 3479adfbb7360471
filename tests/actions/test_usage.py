"""Sums of usage are made by one worker at a time, and never lose what is being written meanwhile."""

from __future__ import annotations

from datetime import timedelta

import psycopg
from django.conf import settings
from django.utils import timezone

from calls.actions import usage as action
from calls.models import Call, UsageMark, UsageSum
from calls.tenancy import tenant_scope
from tests import factories
from tests.factories import NOON

COPY = """
insert into calls_tokenusage (tenant_id, call_id, kind, ref_id, model, input_text, input_audio, input_image,
    cached_text, cached_audio, cached_image, output_text, output_audio, total, split_known, complete, at)
select tenant_id, call_id, kind, 'late', model, input_text, input_audio, input_image, cached_text, cached_audio,
    cached_image, output_text, output_audio, total, split_known, complete, at from calls_tokenusage
"""


def _sum_up(tenant, limit=action.QUARTERS_AT_ONCE):
    with tenant_scope(tenant.id):
        return action.sum_up(limit)


def _marks(tenant):
    with tenant_scope(tenant.id):
        return UsageMark.objects.count()


def test_a_worker_of_calls_that_commits_late_keeps_its_mark(committed_db, acme):
    """The race that a mark of many writers would lose."""
    factories.make_usage(factories.make_call(acme))
    with psycopg.connect(committed_db) as writer:
        writer.execute(f"set role {settings.SIDEBAND_ROLE}")
        writer.execute(COPY.encode())
        assert _sum_up(acme) == 1
        writer.commit()
    assert _marks(acme) == 1
    assert _sum_up(acme) == 1
    with tenant_scope(acme.id):
        assert UsageSum.objects.get().bills == 2


def test_two_workers_do_not_sum_up_at_once(committed_db, acme):
    factories.make_usage(factories.make_call(acme))
    with psycopg.connect(committed_db) as other:
        other.execute("select pg_advisory_xact_lock(hashtextextended('calls_usagesum ' || %s, 0))", [str(acme.id)])
        assert _sum_up(acme) == 0
    assert _sum_up(acme) == 1


def test_the_quarter_hour_that_runs_is_left_alone(acme):
    factories.make_usage(factories.make_call(acme), at=timezone.now())
    assert _sum_up(acme) == 0
    assert _marks(acme) == 1


def test_a_run_takes_on_as_much_as_it_is_told(acme):
    call = factories.make_call(acme)
    for hours in range(3):
        factories.make_usage(call, at=NOON + timedelta(hours=hours))
    assert [_sum_up(acme, 2), _sum_up(acme, 2), _sum_up(acme, 2)] == [2, 1, 0]


def test_a_write_that_changes_nothing_leaves_no_mark(acme):
    factories.make_usage(factories.make_call(acme))
    _sum_up(acme)
    with tenant_scope(acme.id):
        Call.objects.update(detail="x", agent=None)
    assert _marks(acme) == 0
