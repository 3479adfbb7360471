"""`make faults`: the matrix of faults on a product of its own. SEEDS, ONLY (F1,F6), CALLS from the environment."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from tests.faults import matrix, table
from tests.faults.run import run_all


def main() -> int:
    seeds, calls = int(os.environ.get("SEEDS") or 3), int(os.environ.get("CALLS") or 60)
    chosen = matrix.chosen(os.environ.get("ONLY", ""))
    results = []
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)  # PostgreSQL refuses root and runs as another user
        for result in run_all(Path(directory), chosen, calls, seeds):
            print(json.dumps(result.line), flush=True)  # noqa: T201
            results.append(result)
    print(table.of(results, calls=calls, seeds=seeds))  # noqa: T201
    return 1 if any(result.broken for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
