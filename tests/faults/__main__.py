"""`make faults`: the matrix of faults on a product of its own. SEEDS, ONLY (F1,F6), CALLS, LANES from the environment.

Prints, and keeps in build/faults.jsonl and build/faults.md while it runs.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from realtime_ops import env
from tests.faults import matrix, table
from tests.faults.fault import FAULTS
from tests.faults.run import run_all


def main() -> int:
    seeds, calls = int(os.environ.get("SEEDS") or 3), int(os.environ.get("CALLS") or 60)
    lanes = int(os.environ.get("LANES") or 1)
    try:
        chosen = matrix.chosen(os.environ.get("ONLY", ""))
    except (KeyError, ValueError) as unknown:
        sys.exit(f"no such fault: {unknown}; there are {', '.join(sorted(FAULTS, key=matrix.number))}")
    results = []
    # Logs and the ledger stay there until the next time, for whoever asks why.
    directory = env.STATE_DIR / "faults"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    kept = Kept(env.BASE_DIR / "build", f"{machine()}\n`{command(seeds, calls, lanes)}`")
    for result in run_all(directory, chosen, calls, seeds, lanes=lanes):
        print(json.dumps(result.line), flush=True)  # noqa: T201
        results.append(result)
        kept.add(result.line, table.of(results, calls=calls, seeds=seeds))
    print(f"\n{machine()}")  # noqa: T201
    print(table.of(results, calls=calls, seeds=seeds))  # noqa: T201
    # A machine on which every fault is skipped has proven nothing.
    return 1 if any(result.broken for result in results) or all(result.skipped for result in results) else 0


class Kept:
    """What was found so far, in files: a matrix that is interrupted leaves what it had."""

    def __init__(self, directory: Path, head: str) -> None:
        directory.mkdir(exist_ok=True)
        self._lines, self._table, self._head = directory / "faults.jsonl", directory / "faults.md", head
        self._lines.write_text("")

    def add(self, line: dict[str, Any], table_so_far: str) -> None:
        with self._lines.open("a") as lines:
            lines.write(json.dumps(line) + "\n")
        self._table.write_text(f"{self._head}\n{table_so_far}\n")


def command(seeds: int, calls: int, lanes: int) -> str:
    """What prints the same again."""
    only = os.environ.get("ONLY", "")
    return (
        f"make faults SEEDS={seeds} CALLS={calls}"
        + (f" ONLY={only}" if only else "")
        + (f" LANES={lanes}" if lanes > 1 else "")
    )


def machine() -> str:
    """What was broken, and where."""
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"commit {git.stdout.strip() or 'unknown'}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    )


if __name__ == "__main__":
    sys.exit(main())
