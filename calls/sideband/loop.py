"""The one event loop of a sideband worker, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calls.sideband.supervisor import Supervisor

logger = logging.getLogger(__name__)

DRAIN_LIMIT_S = 25.0


class SidebandLoop:
    """Runs a Supervisor. `start` and `stop` are called from Celery's main thread, `attach` from its task threads."""

    current: SidebandLoop | None = None

    def __init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="sideband-loop", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._supervisor: Supervisor | None = None
        self._ready = threading.Event()

    def start(self) -> None:
        SidebandLoop.current = self
        self._thread.start()
        self._ready.wait(10)

    def attach(self, *calls: int) -> None:
        """Ask for calls; returns at once."""
        if (loop := self._loop) is not None:
            asyncio.run_coroutine_threadsafe(self._ensure(*calls), loop)

    def stop(self) -> None:
        """Hand all calls over; returns when that is done, after DRAIN_LIMIT_S at the latest."""
        if (loop := self._loop) is not None and self._supervisor is not None:
            loop.call_soon_threadsafe(self._supervisor.stop)
        self._thread.join(DRAIN_LIMIT_S)
        if self._thread.is_alive():
            logger.error("the hand-over took too long; leases run out by themselves")

    async def _ensure(self, *calls: int) -> None:
        if self._supervisor is None:
            return
        try:
            await self._supervisor.ensure(*calls)
        except Exception as error:  # noqa: BLE001  a nudge may fail in any way: the sweep does the same
            logger.warning("a nudge failed", extra={"calls": calls, "error": type(error).__name__})

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(self._main())
        except Exception:
            logger.exception("the sideband loop ended; this worker watches no calls any more")

    async def _main(self) -> None:
        from calls.sideband.supervisor import Supervisor  # tasks.py is loaded where no loop is needed

        self._loop = asyncio.get_running_loop()
        self._supervisor = Supervisor()
        self._ready.set()
        try:
            await self._supervisor.run()
        finally:
            self._loop = None  # a nudge that comes now is for the other workers


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # not made for Windows

    return uvloop.Loop
