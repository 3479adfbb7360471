"""Waits for conditions, never for time. Imports nothing of the product."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
EVERY_S = 0.05
LIMIT_S = 60.0
"""For what comes sooner or later: on a busy machine later. What has to be soon says so with a limit of its own."""


def wait_until(condition: Callable[[], T], limit: float = LIMIT_S, what: str = "") -> T:
    """Return the first truthy answer of `condition`; AssertionError after `limit` seconds, naming the last answer."""
    deadline = time.monotonic() + limit
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            said = what or getattr(condition, "__name__", "condition")
            raise AssertionError(f"not within {limit:g} s: {said} (last answer: {answer!r})")
        time.sleep(EVERY_S)
