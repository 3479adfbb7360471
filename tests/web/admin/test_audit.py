"""The audit log: filters, pages by key, days in the tenant's zone, a file that spreadsheets cannot be tricked by."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from calls.actions import audit as log
from calls.models import AuditEntry
from calls.tenancy import tenant_scope
from calls.web.admin import audit

URL = "/t/acme/admin/audit/"


@pytest.fixture
def entries(acme, adam, olivia):
    with tenant_scope(acme.id):
        log.record(
            "agent.changed", by=adam.actor, kind="agent", code="a1", name="Nora", values={"voice": ["ash", "sage"]}
        )
        log.record("member.invited", by=olivia.actor, kind="member", code="=cmd()@acme.example", role="analyst")
        log.record("route.created", by=adam.actor, kind="route", code="+4930*", agent="Nora")


def shown(person, query=""):
    return [row["entry"].verb for row in person.client.get(f"{URL}{query}").context["rows"]]


@pytest.mark.parametrize(
    ("query", "verbs"),
    [
        ("", ["route.created", "member.invited", "agent.changed"]),
        ("?who=ADAM", ["route.created", "agent.changed"]),
        ("?verb=member.invited", ["member.invited"]),
        ("?verb=agent", ["agent.changed"]),
        ("?object=nora", ["agent.changed"]),
        ("?object=%2B4930", ["route.created"]),
        ("?since=2000-01-01&until=2001-01-01", []),
        ("?since=2000-01-01", ["route.created", "member.invited", "agent.changed"]),
        ("?who=adam&verb=member.invited", []),
    ],
)
def test_filters(adam, entries, query, verbs):
    assert shown(adam, query) == verbs


def test_pages_go_on_where_the_last_one_ended(adam, entries, monkeypatch):
    monkeypatch.setattr(audit, "PAGE", 2)
    first = adam.client.get(f"{URL}?who=acme")
    assert [row["entry"].verb for row in first.context["rows"]] == ["route.created", "member.invited"]
    words = first.content.decode()
    older = words.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "who=acme" in older
    assert shown(adam, older) == ["agent.changed"]


@pytest.mark.parametrize(
    "key", ["rubbish", "2026-11-20~1", "2026-11-20T00:00:00+00:00~x", "2026-11-20T00:00:00+00:00~99999999999999999999"]
)
def test_a_made_up_key_is_refused(adam, entries, key):
    assert adam.client.get(URL, {"before": key}).status_code == 422


def test_a_date_that_is_none_is_said_at_its_field(adam, entries):
    answer = adam.client.get(f"{URL}?since=yesterday")
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["since"]


def test_days_begin_at_the_tenants_midnight(acme, adam, entries):
    type(acme).objects.filter(pk=acme.pk).update(timezone="Asia/Tokyo")
    form = audit.FilterForm({"since": "2026-11-20", "until": "2026-11-20"})
    request = type("Request", (), {"member": type("Member", (), {"timezone": "Asia/Tokyo"})})
    filters = audit._filters(request, form)
    assert filters.since == datetime(2026, 11, 19, 15, tzinfo=UTC)
    assert filters.until == datetime(2026, 11, 20, 15, tzinfo=UTC)


def test_details_show_before_and_after(adam, entries):
    words = " ".join(adam.client.get(f"{URL}?verb=agent").content.decode().split())
    assert "Changed an agent" in words
    assert "<del>ash</del> → <ins>sage</ins>" in words


def test_the_file_is_formula_safe_filtered_and_on_record(acme, adam, entries):
    answer = adam.client.get(reverse("audit_csv", args=["acme"]), {"verb": "member.invited"})
    [row] = csv.DictReader(io.StringIO(answer.content.decode()))
    assert row["object_code"] == "'=cmd()@acme.example"
    assert (row["verb"], row["who"], row["detail"]) == ("member.invited", "olivia@acme.example", '{"role": "analyst"}')
    assert answer["Content-Disposition"].startswith('attachment; filename="acme-audit-')
    with tenant_scope(acme.id):
        assert AuditEntry.objects.get(verb="export.begun").object_code == "audit"


def test_the_file_of_a_wrong_date_is_none(adam, entries):
    assert adam.client.get(reverse("audit_csv", args=["acme"]), {"since": "x"}).status_code == 422


def test_another_tenants_entries_are_not_there(rita, entries):
    assert rita.client.get("/t/globex/admin/audit/").context["rows"] == []


def test_an_empty_log_says_so(adam):
    assert "Nothing yet." in adam.client.get(URL).content.decode()
    assert "Nothing matches." in adam.client.get(f"{URL}?who=nobody").content.decode()
