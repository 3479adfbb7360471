"""Exports: who may begin one, and that it is on record."""

from __future__ import annotations

import pytest

from calls.actions import exports
from calls.domain.actors import SYSTEM
from calls.domain.periods import Period
from calls.exceptions import NotAllowed
from calls.models import AuditEntry
from calls.tenancy import tenant_scope
from tests.factories import NOON


def _begin(acme, by, kind: str = "calls") -> bool:
    with tenant_scope(acme.id):
        return exports.begin(kind, file_format="csv", period=Period(since=NOON), by=by)


def test_an_export_is_on_record(acme, ana):
    _begin(acme, ana.actor)
    with tenant_scope(acme.id):
        entry = AuditEntry.objects.get()
    assert (entry.verb, entry.object_code, entry.actor_label) == ("export.begun", "calls", ana.user.email)
    assert entry.detail == {"format": "csv", "since": "2026-11-20T12:00:00.000Z", "until": None}


def test_numbers_are_shown_to_those_who_may_see_them(acme, ana, adam):
    assert not _begin(acme, ana.actor)
    assert _begin(acme, adam.actor)
    assert _begin(acme, SYSTEM)


def test_usage_is_for_those_who_bill(acme, sam, ana):
    _begin(acme, ana.actor, "usage")
    with pytest.raises(NotAllowed):
        _begin(acme, sam.actor, "usage")
