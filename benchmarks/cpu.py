"""CPU time of whole process trees, from the kernel's own books."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil


def seconds(pid: int) -> float:
    """User and system time of a process, its living descendants, and those that it has buried."""
    root = psutil.Process(pid)
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


@dataclass(frozen=True)
class Meter:
    """Several parts of a system, each by the pids of its roots."""

    parts: Mapping[str, tuple[int, ...]]

    def read(self) -> dict[str, float]:
        return {name: sum(seconds(pid) for pid in pids) for name, pids in self.parts.items()}


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - before[name] for name in before}
