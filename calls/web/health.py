"""Two questions of a supervisor or load balancer: does the process answer, and can it do its work. Reveals no
address.

Every check ends within a second: it runs in a daemon thread, and the answer does not wait for it any longer.
Requests that arrive while a check runs share it, so that a stopped database holds one thread per check and no
more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import timedelta

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from calls.models import Worker

LIMIT_SECONDS = 1.0
WORKER_SEEN_WITHIN = timedelta(seconds=10)
"""A worker writes its row with every sweep, about every 2 s"""


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Asks nobody: a restart would not heal a dead database."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Database, broker and a living sideband worker are there: 200, or 503 with the reasons."""
    running = {name: check.start() for name, check in _CHECKS.items()}
    deadline = time.monotonic() + LIMIT_SECONDS
    reasons = {name: _reason(future, deadline) for name, future in running.items()}
    checks = {name: {"ok": not reason, "reason": reason} for name, reason in reasons.items()}
    return JsonResponse({"checks": checks}, status=503 if any(reasons.values()) else 200)


class _Check:
    """One question; at most one thread asks it at a time."""

    def __init__(self, ask: Callable[[], str]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._running: Future[str] | None = None

    def start(self) -> Future[str]:
        with self._lock:
            if self._running is None or self._running.done():
                self._running = Future()
                threading.Thread(target=self._run, args=(self._running,), daemon=True).start()
            return self._running

    def _run(self, future: Future[str]) -> None:
        try:
            future.set_result(self._ask())
        except Exception as error:  # noqa: BLE001  its kind is the answer; its text may name hosts and users
            future.set_result(type(error).__name__)
        finally:
            connection.close()


def _reason(future: Future[str], deadline: float) -> str:
    """Why a check failed; empty when it did not."""
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        return f"no answer within {LIMIT_SECONDS:g} s"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("select 1")
    return ""


def _broker() -> str:
    client = redis.Redis.from_url(
        settings.CELERY_BROKER_URL,
        socket_timeout=LIMIT_SECONDS,
        socket_connect_timeout=LIMIT_SECONDS,
        retry=None,
    )
    with client:
        client.ping()
    return ""


def _worker() -> str:
    # By the database's clock, which wrote the row too.
    seen = Worker.objects.filter(kind="sideband", seen_at__gt=Now() - WORKER_SEEN_WITHIN).exists()
    return "" if seen else f"no sideband worker was seen in the last {WORKER_SEEN_WITHIN.seconds} s"


_CHECKS: Mapping[str, _Check] = {
    "database": _Check(_database),
    "broker": _Check(_broker),
    "worker": _Check(_worker),
}
