"""The table tells what broke, what was skipped, and the worst of what must be nought."""

from __future__ import annotations

from tests.faults import checks, table
from tests.faults.fault import Fault
from tests.faults.run import Result

F1 = Fault("F1", "killed", "holds", lambda scene: None)
F20 = Fault("F20", "disk full", "holds", lambda scene: None)


def result(fault: Fault, seed: int, *broken: str, **line: object) -> Result:
    return Result(fault, {"fault": fault.id, "seed": seed, "gap_rows": 4, **line}, list(broken))


def test_medians_worst_values_and_counts():
    runs = [
        result(F1, 1, dup_rows=0, reattach_p95_s=1.5),
        result(F1, 2, "screens: one", "logs: two", dup_rows=2, reattach_p95_s=2.5),
        result(F1, 3, dup_rows=0, reattach_p95_s=None),
        Result(F20, {"fault": "F20", "seed": 1}, skipped="needs root"),
    ]
    lines = table.of(runs, calls=60, seeds=3).splitlines()
    assert lines[1].split(" | ")[2:5] == ["runs", "lost", "gaps"]
    assert lines[3] == "| F1 | killed | 3 | – | 4 | – | 0 (2) | – | 2 (2.5) | – | – | – | – | – | **2 broken** |"
    assert lines[4].startswith("| F20 | disk full | 0 |")
    assert lines[4].endswith("| skipped: needs root |")
    assert lines[-1] == ("3 runs of 1 faults at 60 calls and 3 seeds, 1 skipped, 2 broken invariants in 1 runs")


def test_the_peak_of_a_second():
    assert checks.peak_per_second([]) == 0
    assert checks.peak_per_second([0, 5, 5.2, 5.9, 6.1, 9]) == 3
