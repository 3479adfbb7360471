"""The action under `provision`; its rules are told in tests/management/test_provision.py."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from calls.actions.provisioning import provision
from calls.domain.actors import SYSTEM
from calls.exceptions import NotAllowed
from calls.models import Tenant

DOCUMENT = {"tenants": [{"slug": "acme", "name": "Acme"}]}


def test_members_provision_nothing(olivia):
    with pytest.raises(NotAllowed):
        provision(DOCUMENT, by=olivia.actor)


def test_runs_at_the_same_time_do_the_work_once(committed_db):
    def run(_: int) -> str:
        try:
            return provision(DOCUMENT, by=SYSTEM)["tenants"][0]["outcome"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        outcomes = sorted(pool.map(run, range(4)))
    assert outcomes == ["created", "unchanged", "unchanged", "unchanged"]
    assert Tenant.objects.count() == 1
