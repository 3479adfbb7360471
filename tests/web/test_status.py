"""The status page: for staff, with every figure that a process counts, its bound and its reason to be looked at."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from calls.actions.processes import beat
from calls.models import Worker
from calls.sideband import gauges
from calls.sideband.supervisor import Supervisor
from calls.web import status
from realtime_ops.asgi import counters

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(sam):
    sam.user.is_staff = True
    sam.user.save()
    return sam


@pytest.fixture
def page(staff):
    def get():
        answer = staff.client.get("/status/")
        assert answer.status_code == 200
        return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode().split("<main")[1]).split())

    return get


def process(kind, seen=0, **counters):
    owner = uuid4()
    beat(owner, kind, counters)
    Worker.objects.filter(owner=owner).update(
        host="one", pid=7, slots=100, calls=31, seen_at=timezone.now() - timedelta(seconds=seen)
    )
    return owner


def test_to_all_but_staff_it_does_not_exist(sam, client):
    assert sam.client.get("/status/").status_code == 404
    assert client.get("/status/").url == "/sign-in/?next=/status/"
    assert sam.client.get("/status.json").status_code == 404
    assert client.get("/status.json").status_code == 404


def test_an_installation_without_processes_says_what_that_means(page):
    said = page()
    assert "No sideband worker is running: calls are neither answered nor watched." in said
    assert "Every process was heard of" not in said


def test_all_is_well(page):
    process("sideband", lag_ms=[12, 250], waiting=[1204, 50_000], dropped=0)
    process("web", sockets=4)
    process("jobs", memory_bytes=50 * 2**20)
    said = page()
    assert "Every process was heard of in time, and nothing stands at its bound." in said
    assert "Calls 100 31" in said
    assert "Changes that wait in memory 50,000 1,204" in said
    assert "Loop late by, at worst since the last beat 250 ms 12 ms" in said
    assert "Memory 50.0 MB" in said
    assert "Redials not counted" in said  # an older version does not count them


def test_what_needs_a_look_is_marked_with_its_reason(page):
    process("sideband", seen=40, lag_ms=[300, 250], waiting=[45_000, 50_000], dropped=3)
    process("web")
    process("jobs")
    said = page()
    assert "4 figures to look at" in said
    assert "silent its beat is overdue" in said
    assert "300 ms at its bound" in said
    assert "45,000 near its bound" in said
    assert "3 should be nought" in said


def test_processes_stand_side_by_side_in_tables_with_names(staff):
    process("sideband")
    process("sideband")
    process("web")
    content = staff.client.get("/status/").content.decode()
    assert re.findall(r"<caption[^>]*>([^<]*)", content) == ["Sideband workers", "Web"]
    heads = re.findall(r'<th scope="col"[^>]*>(.*?)(?:<br>|</th>)', content)
    assert heads == ["Figure", "Bound", "one 7", "one 7", "Figure", "Bound", "one 7"]


def test_programs_read_the_same_with_a_session_or_a_token(staff, client, settings):
    process("sideband", seen=40, waiting=[3, 50_000])
    [read] = staff.client.get("/status.json").json()["processes"]
    assert (read["kind"], read["calls"], read["slots"], read["stale"]) == ("sideband", 31, 100, True)
    assert read["counters"] == {"waiting": [3, 50_000]}
    assert 39 < read["quiet_s"] < 50
    settings.CALLS = {**settings.CALLS, "status_token": "s3cret"}
    for header, expected in (("Bearer s3cret", 200), ("Bearer other", 404), ("s3cret", 404), ("Bearer ", 404)):
        assert client.get("/status.json", headers={"Authorization": header}).status_code == expected
    settings.CALLS = {**settings.CALLS, "status_token": ""}
    assert client.get("/status.json", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    ("number", "unit", "words"),
    [
        (1204, "", "1,204"),
        (12, "ms", "12 ms"),
        (0, "bytes", "0 bytes"),
        (999, "bytes", "999 bytes"),
        (1024, "bytes", "1.0 kB"),
        (134_217_728, "bytes", "128 MB"),
        (3 * 2**30, "bytes", "3.0 GB"),
        (5000 * 2**30, "bytes", "5,000 GB"),
    ],
)
def test_amounts(number, unit, words):
    assert status.amount(number, unit) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.42, "0.4 s"), (42, "42 s"), (180, "3 min"), (11_100, "3 h 05 min"), (356_400, "4 d 3 h")],
)
def test_spans(seconds, words):
    assert status.span(timedelta(seconds=seconds)) == words


@pytest.mark.asyncio
async def test_every_figure_has_a_counter_and_every_counter_a_figure():
    shown = {kind: {figure.name for figure in figures} for kind, _, _, figures in status.KINDS}
    assert shown["web"] == counters().keys()
    assert shown["sideband"] == gauges.read(Supervisor()).keys()
