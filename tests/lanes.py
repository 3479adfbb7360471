"""`make test` has lanes, processes that work side by side (`pytest -n 2`). Which tests may not be torn apart, and which
come first.

Without `-n` nothing of this is used: all tests run in one process, one after the other.
"""

from __future__ import annotations

import os
from fnmatch import fnmatch

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

TOGETHER = (
    "tests/browser/test_[a-e]*",
    "tests/browser/test_[f-z]*",
    "tests/journeys/*",
    "tests/faults/test_fast.py",
)
"""Each has one product for all of its tests, which another lane would have to start again; the pages, which take longest,
are cut in half. Longest first: who is done with one takes files until all are done."""


def is_one() -> bool:
    """Whether this process is a lane."""
    return "PYTEST_XDIST_WORKER" in os.environ


def beside_others() -> bool:
    return int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) > 1


def place(nodeid: str) -> str:
    """What a lane gets as a whole: a product's tests, else a file."""
    path = nodeid.partition("::")[0]
    return next((together for together in TOGETHER if fnmatch(path, together)), path)


def in_order(items: list[pytest.Item]) -> None:
    """What takes long first; the rest stays as it is."""
    items.sort(key=lambda item: (*TOGETHER, place(item.nodeid)).index(place(item.nodeid)))


class Lanes(LoadScopeScheduling):
    """Hands out one place after the other, to whichever lane is free."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # it would count tests, whatever each of them takes

    def _split_scope(self, nodeid: str) -> str:
        return place(nodeid)
