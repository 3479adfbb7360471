"""What the demo consists of, and what it says."""

from __future__ import annotations

from calls.domain.manifest import parse
from calls.providers.session_body import SETTINGS
from realtime_ops import demo
from realtime_ops.__main__ import loopback


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
