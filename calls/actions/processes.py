"""Processes that hold no calls say that they live, and what they count. Sideband workers do it with their leases."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from uuid import UUID, uuid4

from django.db import connection
from django.db.models.functions import Now

from calls.models import Worker

logger = logging.getLogger(__name__)

BEAT_S = 5.0

Counters = Mapping[str, int | list[int]]
"""A number, or a number and its bound"""


def beat(owner: UUID, kind: str, counters: Counters, *, pid: int | None = None) -> None:
    """Refresh the row of a process, or make it."""
    now = Now()
    if not Worker.objects.filter(owner=owner).update(seen_at=now, counters=counters):
        Worker.objects.create(
            owner=owner,
            kind=kind,
            host=socket.gethostname(),
            pid=pid or os.getpid(),
            lock_key=0,
            slots=0,
            seen_at=now,
            counters=counters,
        )


class Heart:
    """A thread of a process that beats for it. Nobody waits for it; what it cannot store is stored the next time."""

    def __init__(self, kind: str, read: Callable[[], Counters]) -> None:
        self._kind = kind
        self._read = read
        self._owner = uuid4()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """For tests; a process that ends takes it along."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                beat(self._owner, self._kind, self._read())
            except Exception as error:  # noqa: BLE001  a page that shows a live process as silent would be worse
                logger.debug("a heartbeat could not be stored", extra={"error": type(error).__name__})
            finally:
                connection.close()
            if self._stopped.wait(BEAT_S):
                return
