"""Rung by many, answered by one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any


class Bell:
    """However often it rings while its work is done, the work is done once more: what the ring was about may have come
    after the work had looked."""

    def __init__(self, spawn: Callable[[Coroutine[Any, Any, None]], None], work: Callable[[], Awaitable[None]]) -> None:
        self._spawn = spawn
        self._work = work
        self._rung = self._answering = False

    def ring(self) -> None:
        self._rung = True
        if not self._answering:
            self._answering = True
            self._spawn(self._answer())

    async def _answer(self) -> None:
        try:
            while self._rung:
                self._rung = False
                await self._work()
        finally:
            self._answering = False
