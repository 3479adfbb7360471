"""Where the feed asks PostgreSQL: in a few threads of its own, and never for longer than a screen can wait.

Channels would use one thread for all sockets of the process (asgiref's, for whatever runs outside a request): one read
that waits for a connection would hold up every screen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import InterfaceError, InternalError, OperationalError

from calls.lending import Desk

THREADS = 3
"""So many connections of the process's pool (8) the feed takes at most; webhooks take 3, so pages keep 2. More would
not be faster: most of a snapshot is Python's own work"""
ANSWER_LIMIT_S = 5.0
"""Waiting for a thread included. Two of these and a heartbeat are well below the 25 s of silence after which a browser
gives its socket up"""
AWAY = (OperationalError, InterfaceError, InternalError, TimeoutError)
"""PostgreSQL did not answer, or too late, or ended our transaction (internal: one that was idle for too long). A socket
lives on without it; the heads repair what was missed."""

P = ParamSpec("P")
R = TypeVar("R")

_desk = Desk(THREADS, "feed")


def asks(read: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Run `read` in one of the feed's threads. Raises one of AWAY."""

    @wraps(read)
    async def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        # Who gives up while still in the queue leaves it: a stall piles up no work.
        async with asyncio.timeout(ANSWER_LIMIT_S):
            return await asyncio.wrap_future(_desk.ask(read, *args, **kwargs))

    return asked


@dataclass(slots=True)
class _Read:
    answer: asyncio.Future[Any]
    askers: int = 0


def asks_together(
    key: Callable[P, Hashable],
) -> Callable[[Callable[P, R]], Callable[P, Coroutine[Any, Any, R]]]:
    """As `asks`, for a read that answers the same to all who ask with the same key: whoever comes before it has begun
    waits for it, too, and nobody alters the answer. After a restart every page of a tenant asks for the same.

    Never one that has begun: it may have seen the database before the asker joined the stream's group.
    """

    def decorate(read: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
        queued: dict[Hashable, _Read] = {}

        def begin(name: Hashable, *args: P.args, **kwargs: P.kwargs) -> R:
            queued.pop(name, None)
            return read(*args, **kwargs)

        @wraps(read)
        async def asked(*args: P.args, **kwargs: P.kwargs) -> R:
            name = (asyncio.get_running_loop(), key(*args, **kwargs))
            one = queued.get(name)
            if one is None:
                one = queued[name] = _Read(asyncio.wrap_future(_desk.ask(begin, name, *args, **kwargs)))
            one.askers += 1
            try:
                async with asyncio.timeout(ANSWER_LIMIT_S):
                    answer: R = await asyncio.shield(one.answer)
                    return answer
            finally:
                one.askers -= 1
                if not one.askers and not one.answer.done():  # the last one gave up: it leaves the queue
                    if queued.get(name) is one:
                        del queued[name]
                    one.answer.cancel()

        return asked

    return decorate
