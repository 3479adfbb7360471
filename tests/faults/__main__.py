"""`make faults`: the matrix of faults on a product of its own. SEEDS, ONLY (F1,F6), CALLS from the environment."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys

import psutil

from realtime_ops import env
from tests.faults import matrix, table
from tests.faults.run import run_all


def main() -> int:
    seeds, calls = int(os.environ.get("SEEDS") or 3), int(os.environ.get("CALLS") or 60)
    chosen = matrix.chosen(os.environ.get("ONLY", ""))
    results = []
    # Logs and the ledger stay there until the next time, for whoever asks why.
    directory = env.STATE_DIR / "faults"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for result in run_all(directory, chosen, calls, seeds):
        print(json.dumps(result.line), flush=True)  # noqa: T201
        results.append(result)
    print(f"\n{machine()}")  # noqa: T201
    print(table.of(results, calls=calls, seeds=seeds))  # noqa: T201
    # A machine on which every fault is skipped has proven nothing.
    return 1 if any(result.broken for result in results) or all(result.skipped for result in results) else 0


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
