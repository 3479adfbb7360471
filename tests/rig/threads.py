"""Stops one thread of a process while the others run: what a call that blocks does to an event loop. By ptrace, which
the kernel grants to whoever started the process, or to root."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000
"""Wait for threads, too"""
LOOK_S = 1.5

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def busiest_thread(pid: int) -> int:
    """The thread, beside the main one, that works most in the next LOOK_S: of a sideband worker that is its loop."""
    before = _ticks(pid)
    time.sleep(LOOK_S)
    worked = {thread: ticks - before.get(thread, 0) for thread, ticks in _ticks(pid).items() if thread != pid}
    return max(worked, key=lambda thread: worked[thread])


@contextmanager
def stopped(thread: int) -> Iterator[None]:
    """Inside, this thread does not run. Raises OSError where that is not allowed. Stay in one thread of your own."""
    _ptrace(SEIZE, thread)
    try:
        _ptrace(INTERRUPT, thread)
        os.waitpid(thread, WALL)
        yield
    finally:
        with suppress(ProcessLookupError):  # it was killed meanwhile
            _ptrace(DETACH, thread)


def _ptrace(request: int, thread: int) -> None:
    if _libc.ptrace(request, thread, None, None) == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _ticks(pid: int) -> dict[int, int]:
    """Of processor time, user and system, of each thread."""
    found = {}
    for place in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            fields = (place / "stat").read_text().rpartition(")")[2].split()
            found[int(place.name)] = int(fields[11]) + int(fields[12])
    return found
