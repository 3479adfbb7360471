"""Places in a drawing: bars stand on one another, lines break where there is nothing."""

from __future__ import annotations

import pytest

from calls.web.charts import BOTTOM, LEFT, TOP, Chart, Series, bars, lines


def _chart() -> Chart:
    return Chart("x", "Title", "Words")


def test_bars_are_stacked_from_the_axis():
    chart = bars(_chart(), ["1", "2"], [Series("a", "A", [10, 0]), Series("b", "B", [5, 0])], str)
    low, high = chart.bars
    assert low.y + low.height == BOTTOM
    assert high.y + high.height == pytest.approx(low.y)
    assert low.height == pytest.approx(2 * high.height, abs=0.02)
    assert high.y >= TOP
    assert low.x >= LEFT


def test_a_series_of_zeros_is_not_in_the_legend():
    chart = bars(_chart(), ["1"], [Series("a", "A", [3]), Series("b", "B", [0])], str)
    assert [one.key for one in chart.legend] == ["a"]


def test_nothing_is_drawn_of_nothing():
    assert bars(_chart(), ["1"], [Series("a", "A", [0])], str).empty
    assert lines(_chart(), ["1"], [Series("a", "A", [None])], str).empty


def test_a_line_breaks_where_there_is_no_figure():
    chart = lines(_chart(), list("12345"), [Series("a", "A", [1, 2, None, 3, None])], str)
    assert len(chart.lines) == 1
    assert len(chart.dots) == 3


def test_labels_have_room():
    chart = bars(_chart(), [str(n) for n in range(30)], [Series("a", "A", [1] * 30)], str, whole=True)
    assert [tick.text for tick in chart.xs] == ["0", "5", "10", "15", "20", "25"]
    assert [tick.text for tick in chart.ys] == ["0.0", "1.0"]
