"""Sizes: a module that outgrows a screenful or two has more than one duty."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATED = {"calls/migrations/0001_initial.py"}


@pytest.mark.parametrize(
    ("folder", "most"), [("calls", 400), ("realtime_ops", 400), ("tests", 600), ("benchmarks", 600)]
)
def test_no_module_is_longer_than_it_may_be(folder, most):
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in (ROOT / folder).rglob("*.py")
    }
    too_long = {name: length for name, length in lengths.items() if length > most and name not in GENERATED}
    assert too_long == {}


def test_no_script_of_the_browsers_is_longer_than_it_may_be():
    scripts = (ROOT / "calls/static/calls/js").rglob("*.js")
    too_long = {path.name: len(path.read_text().splitlines()) for path in scripts}
    assert {name: length for name, length in too_long.items() if length > 400} == {}
