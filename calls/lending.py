"""Threads that ask the database for a loop, each with one connection of the pool for as long as somebody waits.

Taking a connection from the pool, the pool's look at it and its return cost as much as a short read does: a thread that
finds more work goes on with the one it has. It gives it back before it answers where nobody waits any more, else as
soon as it finds nothing to do. At most `threads` connections are taken.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import connection

P = ParamSpec("P")
R = TypeVar("R")


class Desk:
    """Await `asyncio.wrap_future(desk.ask(…))`; who cancels before its work began leaves the queue."""

    def __init__(self, threads: int, name: str) -> None:
        self._most = threads
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._queue: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._lock = threading.Lock()
        self._working = 0

    def ask(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        future: Future[R] = Future()
        with self._lock:
            self._queue.append((future, partial(work, *args, **kwargs)))
            if self._working < self._most:
                self._working += 1
                self.threads.submit(self._serve)
        return future

    def _serve(self) -> None:
        while True:
            with self._lock:
                if self._queue:
                    future, work = self._queue.popleft()
                else:
                    self._working -= 1
                    break
            if future.set_running_or_notify_cancel():
                self._do(future, work)
        connection.close()  # kept for somebody who then asked no more, or was served by another thread

    def _do(self, future: Future[Any], work: Callable[[], Any]) -> None:
        try:
            try:
                answer = work()
            finally:
                if not self._queue or connection.errors_occurred:
                    connection.close()
        except BaseException as error:  # noqa: BLE001  it is the asker's
            future.set_exception(error)
        else:
            future.set_result(answer)
