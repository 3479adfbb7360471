"""A handful of the matrix at few calls: that the rig itself works, and that the commonest deaths lose nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.faults import matrix
from tests.faults.fault import FAULTS
from tests.faults.run import product, run
from tests.rig.machine import Rig

pytestmark = pytest.mark.journey

CALLS = 6
PACE = 2.5
FAST = ["F1", "F8", "F16", "F22", "F26", "F30", "F36", "F37"]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with pytest.MonkeyPatch.context() as environment:
        # A server of its own, to be crashed: not the session's, which other tests stand on.
        environment.delenv("DATABASE_URL", raising=False)
        with product(settings.STATE_DIR / "faults") as made:
            yield made


@pytest.mark.parametrize("name", FAST)
def test_a_fault_loses_nothing_unmarked_and_does_nothing_twice(rig: Rig, name: str) -> None:
    result = run(rig, FAULTS[name], CALLS, seed=1, pace=PACE)
    assert not result.skipped
    assert result.line["calls"] >= CALLS
    assert result.line["emitted"] > 100
    assert result.broken == []


def test_the_matrix_has_every_fault_that_the_product_promises_to_survive() -> None:
    printed = (settings.BASE_DIR / "docs" / "reliability.md").read_text().partition("## What it printed")[2]
    promised = set(re.findall(r"^\| (F\d+) \|", printed, re.MULTILINE))
    assert promised
    assert promised - FAULTS.keys() == set()


def test_faults_are_chosen_by_their_names_and_come_in_the_order_of_their_numbers() -> None:
    assert [fault.id for fault in matrix.chosen(" f6,F1 ")] == ["F1", "F6"]
    assert {fault.id for fault in matrix.chosen("")} == FAULTS.keys()
