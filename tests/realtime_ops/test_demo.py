"""What the demo consists of, and what it says."""

from __future__ import annotations

import pytest

from calls.domain.manifest import parse
from calls.models import User
from calls.providers.session_body import SETTINGS
from realtime_ops import demo
from realtime_ops.__main__ import CannotStart, _refuse_strangers, loopback
from tests import factories


def test_the_document_has_no_fault_and_a_desk_for_every_number():
    specs, problems = parse(demo.document(9100), agent_settings=SETTINGS)
    assert problems == []
    assert [spec.slug for spec in specs] == list(demo.TRADES)


def test_the_first_thing_to_open_is_the_supervisors_link():
    links = [f"http://localhost:8000/sign-in/link/{n}/" for n in range(len(demo.NEWCOMERS))]
    lines = demo.welcome("http://localhost:8000", links, staff=True)
    assert next(line for line in lines if "link" in line) == f"open  {links[0]}"
    assert all(any(link in line for line in lines) for link in links)
    assert demo.STAFF in "".join(lines)


def test_staff_with_a_known_password_are_for_this_machine_alone():
    assert loopback("http://localhost:8000")
    assert loopback("http://[::1]:8000")
    assert not loopback("https://demo.example.com")
    assert demo.STAFF not in "".join(demo.welcome("https://demo.example.com", ["a", "b", "c"], staff=False))


def test_staff_of_the_sample_go_when_the_address_is_no_longer_this_machines_own(db, monkeypatch):
    from realtime_ops import sample

    monkeypatch.setattr(sample, "call_command", lambda *given, **options: None)
    for staff in (True, False, True):
        sample.people(staff=staff)
        assert User.objects.get(email=demo.STAFF).is_active is staff


def test_the_demo_keeps_out_of_a_database_that_somebody_works_with(committed_db):
    factories.make_tenant("acme")
    _refuse_strangers(committed_db)
    factories.make_tenant("initech")
    with pytest.raises(CannotStart, match="initech"):
        _refuse_strangers(committed_db)
