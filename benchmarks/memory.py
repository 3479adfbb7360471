"""Memory that belongs to a process alone (USS), by part of the product."""

from __future__ import annotations

from collections.abc import Mapping

import psutil

from tests.rig.machine import Rig


def used(rig: Rig) -> Mapping[str, int]:
    """Bytes of all workers, and of web; with their children."""
    parts = {"workers": [worker.pid for worker in rig.workers], "web": [rig.web.pid]}
    return {name: sum(_tree(pid) for pid in pids) for name, pids in parts.items()}


def _tree(pid: int) -> int:
    root = psutil.Process(pid)
    return sum(int(process.memory_full_info().uss) for process in (root, *root.children(recursive=True)))
