"""What this process takes of its machine: file descriptors, and how many it may have; memory."""

from __future__ import annotations

import gc
import resource
from pathlib import Path

KEPT_FREE = 32
"""Descriptors for what must go on where they run out: connections to the services, the spool, logs"""

GARBAGE_AFTER = 20_000, 20, 20
"""New objects after which those that hold one another in circles are looked for; the rest goes without being looked
for. Python's own 700 come to be many times a second where hundreds of calls talk. What a call that ended leaves in
circles waits until so many others came to be."""


def settle() -> None:
    """A process that lives long is there from now on: what came to be until now stays for ever and is not looked
    through for garbage again, and the new is looked through less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_AFTER)


def descriptor_limit() -> int:
    """So many may be open; what the process may raise it to by itself is raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (ValueError, OSError):
            hard = soft  # some systems call a limit endless and grant less
    return 1 << 20 if hard == resource.RLIM_INFINITY else hard


def descriptors() -> int:
    """Open now; 0 where the system does not tell."""
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    except FileNotFoundError:
        return 0
    except OSError:  # not one is left to read the list with
        return descriptor_limit()


def descriptors_left() -> int:
    """So many more sockets may be opened."""
    return max(0, descriptor_limit() - descriptors() - KEPT_FREE)


def memory() -> int:
    """Bytes that are resident now; the most there ever were where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def counters() -> dict[str, int | list[int]]:
    """For the status page. Costs a listing of the descriptors."""
    return {"descriptors": [descriptors(), descriptor_limit()], "memory_bytes": memory()}
