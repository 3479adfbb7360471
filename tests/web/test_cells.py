"""Figures as people read them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from calls.domain.prices import Cost
from calls.web import cells


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (110, 100, "+10 %"),
        (90, 100, "\N{MINUS SIGN}10 %"),
        (100, 100, "same as before"),
        (0, 0, "same as before"),
        (5, 0, "none before"),
        (None, 7, ""),
        (Decimal("3.01"), Decimal(1), "+201 %"),
    ],
)
def test_changes(now, before, words):
    assert cells.change(now, before) == words


@pytest.mark.parametrize(
    ("total", "words"), [("12345.678", "$12,345.68"), ("0.0432109", "$0.0432"), ("0", "$0.00"), ("1", "$1.00")]
)
def test_money_has_as_many_decimals_as_its_page_needs(total, words):
    amount = Decimal(total)
    assert cells.money(amount, cells.places(amount)) == words


def test_an_unknown_cost_is_not_nothing():
    cost = Cost(unpriced={"x": {"fresh_text": 1}}, bills=1)
    assert (cells.cost(cost, 2).text, cells.cost(cost, 2).value) == ("unknown", "")


def test_minutes_and_replies():
    assert (cells.minutes(Decimal("7.26")).text, cells.minutes(Decimal("1234.5")).text) == ("7.3", "1,235")
    assert (cells.reply(None).text, cells.reply(1620).text) == ("no data", "1.62 s")
