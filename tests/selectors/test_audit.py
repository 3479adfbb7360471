"""The last change of an object, and keys between entries of the same moment. Filters: tests/web/admin/test_audit.py."""

from __future__ import annotations

import pytest

from calls.actions import audit as log
from calls.domain.actors import SYSTEM
from calls.exceptions import InvalidInput
from calls.selectors import audit
from calls.selectors.audit import Filters
from calls.tenancy import tenant_scope


@pytest.fixture(autouse=True)
def scope(acme):
    with tenant_scope(acme.id):
        yield


def test_the_last_change_is_of_that_object():
    assert audit.last_of("agent", "a") is None
    log.record("agent.created", by=SYSTEM, kind="agent", code="a")
    log.record("agent.changed", by=SYSTEM, kind="agent", code="a")
    log.record("agent.changed", by=SYSTEM, kind="agent", code="b")
    log.record("route.created", by=SYSTEM, kind="route", code="a")
    assert audit.last_of("agent", "a").verb == "agent.changed"


def test_pages_have_every_entry_once():
    for number in range(7):
        log.record("agent.changed", by=SYSTEM, kind="agent", code=str(number))
    codes, before = [], ""
    while True:
        page = audit.page(Filters(), before=before, limit=3)
        codes += [entry.object_code for entry in page.entries]
        if not (before := page.next):
            break
    assert codes == [str(number) for number in reversed(range(7))]


def test_a_file_is_bounded(monkeypatch):
    monkeypatch.setattr(audit, "EXPORT_LIMIT", 2)
    for number in range(3):
        log.record("agent.changed", by=SYSTEM, kind="agent", code=str(number))
    assert [row["object_code"] for row in audit.rows(Filters())] == ["2", "1"]


def test_a_key_that_no_page_gave_is_refused():
    with pytest.raises(InvalidInput):
        audit.page(Filters(), before="x")
