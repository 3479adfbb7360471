"""Nudges the workers: names of background jobs, published after the commit. Knows no task function.

A nudge may be lost (the workers' sweep finds the call within 2 s), so it never costs the webhook anything: a
daemon thread publishes, with an own connection whose every step ends after a second, and a circuit breaker
drops what comes while the broker is away. A published-too-late nudge would be worth nothing either.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from typing import Any, NamedTuple
from uuid import UUID

from celery import current_app
from django.db import transaction

logger = logging.getLogger(__name__)

ATTACH = "calls.tasks.attach"
EXPORT = "calls.tasks.export"
QUEUES = {ATTACH: "sideband", EXPORT: "default"}
EXPIRES_SECONDS = 30
OPEN_SECONDS = 5.0
"""Rest of the breaker after a failure"""
TOGETHER = 50
"""Calls that one message nudges for, where they wait for the publisher together; as many as a worker takes at once"""
WAITING_LIMIT = 500
"""Nudges that wait for the publisher; more are dropped: it is ten seconds' worth at 50 calls a second"""

_TRANSPORT = {
    "socket_timeout": 1,
    "socket_connect_timeout": 1,
    "retry_on_timeout": False,
    "max_retries": 0,
    "max_connections": 2,
}
"""celery#4296: with the defaults, publishing to a stalled Redis hangs for ever, and kombu tries a dead one again
for ever"""


class Counts(NamedTuple):
    """Of this process, since its start."""

    published: int
    lost: int


def attach(call_pk: int) -> None:
    """After the commit, ask the sideband workers to take the call. Returns at once and raises nothing."""
    transaction.on_commit(lambda: publisher().put(ATTACH, [call_pk]))


def export(tenant: UUID, code: UUID) -> None:
    """After the commit, ask a jobs worker to write the export. tasks.tend_exports repeats a nudge that was lost."""
    transaction.on_commit(lambda: publisher().put(EXPORT, [str(tenant), str(code)]))


def counts() -> Counts:
    """Nudges published and lost."""
    return Counts(publisher().published, publisher().lost)


class Publisher:
    """One thread that publishes; it starts with the first nudge."""

    def __init__(self) -> None:
        self.published = 0
        self.lost = 0
        self._waiting: queue.Queue[tuple[str, list[Any]]] = queue.Queue(WAITING_LIMIT)
        self._closed_until = 0.0
        self._connection: Any = None
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, task: str, arguments: list[Any]) -> None:
        """Hand over one nudge; drop it when the breaker is open or the queue is full."""
        if time.monotonic() < self._closed_until:
            self.lost += 1
            return
        try:
            self._waiting.put_nowait((task, arguments))
        except queue.Full:
            self.lost += 1
            return
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="dispatch", daemon=True)
                self._thread.start()

    def settle(self, seconds: float = 5.0) -> bool:
        """Wait until all that was handed over is published or lost; False when it takes longer. For tests."""
        deadline = time.monotonic() + seconds
        while self._waiting.unfinished_tasks and time.monotonic() < deadline:
            time.sleep(0.005)
        return not self._waiting.unfinished_tasks

    def _run(self) -> None:
        while True:
            nudges = [self._waiting.get()]
            while len(nudges) < TOGETHER:
                try:
                    nudges.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            try:
                calls = [call for task, arguments in nudges if task == ATTACH for call in arguments]
                if calls:
                    self._publish(ATTACH, calls, len(calls))
                for task, arguments in nudges:
                    if task != ATTACH:
                        self._publish(task, arguments, 1)
            finally:
                for _ in nudges:
                    self._waiting.task_done()

    def _publish(self, task: str, arguments: list[Any], nudges: int) -> None:
        """One message. A worker of a version that takes one call at a time refuses several: its sweep finds them."""
        if time.monotonic() < self._closed_until:
            self.lost += nudges
            return
        try:
            if self._connection is None:
                self._connection = current_app.connection_for_write(transport_options=_TRANSPORT)
            with self._connection.Producer(auto_declare=False) as producer:
                current_app.send_task(
                    task,
                    arguments,
                    queue=QUEUES[task],
                    producer=producer,
                    expires=EXPIRES_SECONDS,
                    retry=False,
                    ignore_result=True,
                )
            self.published += nudges
        except Exception as error:  # noqa: BLE001  whatever the broker does, the sweep finds the call
            self.lost += nudges
            self._closed_until = time.monotonic() + OPEN_SECONDS
            self._forget_connection()
            logger.warning(
                "the broker does not take nudges; calls wait for the sweep",
                extra={"error": type(error).__name__, "lost": self.lost, "rest_s": OPEN_SECONDS},
            )

    def _forget_connection(self) -> None:
        """Drop it without a farewell: closing politely would wait for the very server that does not
        answer."""
        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                connection.collect(socket_timeout=0.1)
        except Exception as error:  # noqa: BLE001  it is given up anyway
            logger.debug("a broker connection did not close", extra={"error": type(error).__name__})


_publisher: Publisher | None = None


def publisher() -> Publisher:
    """The one of this process."""
    global _publisher
    if _publisher is None:
        _publisher = Publisher()
    return _publisher


def _after_fork() -> None:
    """A child has no thread of its parent, and must not share its socket."""
    global _publisher
    _publisher = None


os.register_at_fork(after_in_child=_after_fork)
