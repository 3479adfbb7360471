"""The Celery bootstep that starts the loop in workers of the queue `sideband`, and hands its calls over at the end."""

from __future__ import annotations

from typing import Any

from celery import bootsteps
from celery.concurrency import prefork

from calls import resources


class SidebandStep(bootsteps.StartStopStep):
    """Starts after the pool and stops before it: a draining worker gives its calls away first."""

    requires = {"celery.worker.components:Pool"}
    name = "sideband"

    def include_if(self, worker: Any) -> bool:
        return "sideband" in worker.app.amqp.queues.consume_from

    def create(self, worker: Any) -> Any:
        if issubclass(worker.pool_cls, prefork.TaskPool):
            raise SystemExit("The queue `sideband` needs a worker with threads: add `-P threads`.")
        from calls.sideband.loop import SidebandLoop  # needs Django, which is set up by now

        self.loop = SidebandLoop()
        return self.loop

    def start(self, worker: Any) -> None:
        self.loop.start()
        resources.settle()

    def stop(self, worker: Any) -> None:
        self.loop.stop()

    terminate = stop
