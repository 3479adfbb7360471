"""Figures of a range, added up from lines of the database."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from calls.domain.prices import PriceList, Prices, Record, Used
from calls.selectors.usage import CallLine, ReplyLine, UsageLine
from calls.web.report import outcome, report

DAYS = [date(2026, 11, 19), date(2026, 11, 20)]
PRICES = Prices([PriceList("m", DAYS[0], {"fresh_text": Decimal(1_000_000)})])


def _bill(part, model="m", agent=1):
    return UsageLine(part, agent, 7, Record(model, DAYS[0], Used((2, *(0,) * 7))))


def test_parts_go_where_they_belong():
    made = report(
        DAYS,
        PRICES,
        [_bill(1), _bill(2), _bill(3), _bill(4, "other", None), _bill(5)],
        [CallLine(1, 1, 7, "ended", "", 5, Decimal(60)), CallLine(4, 1, 7, "active", "", 2, Decimal(30))],
        [ReplyLine(3, 1, 7, 400, 3), ReplyLine(2, 1, 7, 900, 100)],
    )
    first, second = made.bars.values()
    assert (made.before.cost.exact, made.now.cost.exact, first.cost.exact) == (2, 2, 2)
    assert second.cost.unpriced == {"other": {"fresh_text": 2}}
    assert (made.before.calls, made.now.calls, second.outcomes["live"]) == (5, 2, 2)
    assert (made.now.reply(50), made.before.reply(50), second.reply(95)) == (400, None, None)
    assert set(made.by_model) == {"m", "other"}
    assert made.by_agent[1].minutes == Decimal("0.5")
    assert made.by_version[1, 7].tokens == 2
    assert not made.empty


def test_nothing_is_empty_even_with_something_before():
    assert report(DAYS, PRICES, [_bill(1)], [], []).empty


@pytest.mark.parametrize(
    ("state", "reason", "expected"),
    [
        ("active", "", "live"),
        ("ended", "hung_up", "ended"),
        ("ended", "transferred", "transferred"),
        ("ended", "provider_unreachable", "failed"),
        ("lost", "", "failed"),
        ("missed", "too_old", "missed"),
        ("refused", "no_route", "refused"),
    ],
)
def test_outcomes(state, reason, expected):
    assert outcome(CallLine(3, None, None, state, reason, 1, Decimal(0))) == expected
