"""Disks that fill up within seconds: file systems of their own, in memory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realtime_ops import env
from tests.faults.fault import Skipped


@contextmanager
def small(place: Path, megabytes: int) -> Iterator[None]:
    """One at `place`, which is made. Needs root, and an embedded server."""
    if env.text("DATABASE_URL") or os.geteuid() != 0:
        raise Skipped("needs root for a file system of its own, and an embedded server")
    place.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place]
    made = subprocess.run(mount, capture_output=True, check=False)
    if made.returncode:
        raise Skipped(f"mount: {made.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)
