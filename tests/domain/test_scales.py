"""Ticks are round, bands fill their room, percentiles are figures that occurred."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.domain.scales import Band, Linear, every, percentile, ticks


@pytest.mark.parametrize(
    ("highest", "whole", "expected"),
    [
        (0, False, [0, 1]),
        (1, True, [0, 1]),
        (3, True, [0, 1, 2, 3]),
        (7, True, [0, 2, 4, 6, 8]),
        (1042, True, [0, 500, 1000, 1500]),
        (2150, False, [0, 1000, 2000, 3000]),
        (0.9, False, [0, 0.25, 0.5, 0.75, 1]),
    ],
)
def test_ticks_are_round(highest: float, whole: bool, expected: list[float]) -> None:
    assert ticks(highest, whole=whole) == expected


@given(st.floats(1e-6, 1e12))
def test_ticks_reach_the_highest_figure_and_not_far_beyond(highest: float) -> None:
    found = ticks(highest)

    assert found[0] == 0
    assert found[-1] >= highest * (1 - 1e-6)
    assert 2 <= len(found) <= 7
    assert found == sorted(found)


def test_a_scale_may_grow_downwards() -> None:
    up = Linear(200, 160, 10)

    assert (up(0), up(100), up(200)) == (160, 85, 10)


@given(st.integers(1, 400))
def test_bands_stay_inside_their_room_and_apart(count: int) -> None:
    band = Band(count, 9, 100, widest=6)

    lefts = [band.left(n) for n in range(count)]
    assert lefts[0] >= 9 - 0.01
    assert lefts[-1] + band.width <= 100.01
    assert all(there - here >= band.width - 0.02 for here, there in pairwise(lefts))


@pytest.mark.parametrize(("count", "step"), [(1, 1), (8, 1), (9, 2), (30, 4), (92, 12)])
def test_labels_have_room(count: int, step: int) -> None:
    assert every(count, 8) == step


@given(st.lists(st.integers(0, 50), min_size=1, max_size=200), st.sampled_from([50, 95, 99]))
def test_percentiles_are_the_nearest_rank(values: list[int], percent: int) -> None:
    counts = [(value, values.count(value)) for value in sorted(set(values))]

    assert percentile(counts, percent) == sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def test_nothing_has_no_percentile() -> None:
    assert percentile([], 50) is None
