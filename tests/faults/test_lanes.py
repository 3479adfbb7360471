"""Lanes share the faults, and what ends one of them is not lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.faults.fault import Fault
from tests.faults.run import Result, run_all

FAULTS = [Fault(f"F{number}", "", "", lambda scene: None) for number in range(1, 6)]


def lane(directory: Path, faults: Sequence[Fault], calls: int, seeds: int) -> Iterator[Result]:
    for fault in faults:
        for seed in range(seeds):
            if fault.id == "F3" and calls == 13:
                raise RuntimeError("it broke")
            yield Result(fault, {"where": directory.name, "seed": seed})


def test_each_fault_and_seed_runs_in_one_lane(tmp_path: Path) -> None:
    results = list(run_all(tmp_path, FAULTS, 1, 2, lanes=2, lane=lane))
    assert sorted((one.fault.id, one.line["seed"]) for one in results) == [(f.id, s) for f in FAULTS for s in (0, 1)]
    assert {one.line["where"] for one in results if one.fault.id in {"F1", "F3", "F5"}} == {"lane-1"}
    assert {one.line["where"] for one in results if one.fault.id in {"F2", "F4"}} == {"lane-2"}


def test_a_lane_that_breaks_is_told_when_the_others_are_done(tmp_path: Path) -> None:
    found: set[str] = set()
    with pytest.raises(RuntimeError, match="it broke"):
        found.update(one.fault.id for one in run_all(tmp_path, FAULTS, 13, 1, lanes=2, lane=lane))
    assert found == {"F1", "F2", "F4"}
