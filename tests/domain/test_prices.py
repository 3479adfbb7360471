"""Charges are exact, prices hold from their day on, and what is not known is never nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calls.domain.events import Tokens
from calls.domain.prices import TOKEN_BUCKETS, Cost, PriceList, Prices, Record, Used, added, charge, cost, shown

DAY = date(2026, 11, 20)


def _list(model: str = "m", valid_from: date = date(2026, 1, 1), minute: str | None = None, **prices: str) -> PriceList:
    return PriceList(
        model, valid_from, {name: Decimal(price) for name, price in prices.items()}, Decimal(minute) if minute else None
    )


ALL = _list(
    fresh_text="4", fresh_audio="32", fresh_image="5", cached_text="0.4", cached_audio="0.4", cached_image="0.5",
    output_text="24", output_audio="64",
)  # fmt: skip


def _record(model: str = "m", day: date = DAY, **fields: object) -> Record:
    return Record(model, day, Used((1000, *(0,) * 7)), **fields)


def test_cached_tokens_are_not_paid_twice() -> None:
    used = Used.of(Tokens(input_text=100, input_audio=50, cached_text=64, cached_audio=10, output_audio=80))

    assert dict(zip(TOKEN_BUCKETS, used.tokens, strict=True)) == {
        "fresh_text": 36, "fresh_audio": 40, "fresh_image": 0, "cached_text": 64, "cached_audio": 10,
        "cached_image": 0, "output_text": 0, "output_audio": 80,
    }  # fmt: skip


def test_a_charge_by_hand() -> None:
    found = charge(Used.of(Tokens(input_text=1000, cached_text=400, input_audio=300, output_audio=200)), ALL)

    assert not found.unpriced
    assert found.amounts == {
        "fresh_text": Decimal("0.0024"),
        "cached_text": Decimal("0.00016"),
        "fresh_audio": Decimal("0.0096"),
        "output_audio": Decimal("0.0128"),
    }
    assert found.total == Decimal("0.02496")


def test_time_is_paid_by_the_second() -> None:
    found = charge(Used(seconds=Decimal("2.5")), _list(minute="0.017"))

    assert found.amounts == {"time": Decimal("0.0007083333325")}


@pytest.mark.parametrize(
    ("used", "price", "unpriced"),
    [
        (Used((0, 0, 0, 7, 0, 0, 0, 0)), _list(fresh_text="5"), {"cached_text": 7}),
        (Used(seconds=Decimal(3)), ALL, {"time": Decimal(3)}),
        (Used((1, *(0,) * 7)), _list(minute="0.006"), {"fresh_text": 1}),
        (Used((1, *(0,) * 7)), None, {"fresh_text": 1}),
    ],
)
def test_a_bucket_without_a_price_is_not_free(
    used: Used, price: PriceList | None, unpriced: dict[str, int | Decimal]
) -> None:
    found = charge(used, price)

    assert (found.amounts, found.unpriced) == ({}, unpriced)


def test_a_bucket_without_a_price_takes_nothing_from_the_others_however_bills_are_summed() -> None:
    price = _list(fresh_text="4")
    bills = [Used((1000, *(0,) * 7)), Used((1000, 0, 1, *(0,) * 5)), Used((0, 0, 2, *(0,) * 5))]

    apart = cost([Record("m", DAY, used) for used in bills], Prices([price]))
    summed = cost([Record("m", DAY, bills[0] + bills[1] + bills[2], count=3)], Prices([price]))

    assert apart == summed
    assert (summed.exact, summed.unpriced) == (Decimal("0.008"), {"m": {"fresh_image": 3}})
    assert summed.known
    assert not summed.whole


def test_prices_hold_from_their_day_on() -> None:
    prices = Prices([_list(fresh_text="4"), _list(valid_from=DAY, fresh_text="3")])

    assert cost([_record(day=date(2026, 11, 19))], prices).exact == Decimal("0.004")
    assert cost([_record(day=DAY)], prices).exact == Decimal("0.003")
    assert prices.find("m", date(2025, 12, 31)) is None


def test_of_one_day_the_list_that_was_added_last_holds() -> None:
    prices = Prices([_list(fresh_text="4"), _list(fresh_text="5")])

    assert cost([_record()], prices).exact == Decimal("0.005")


@pytest.mark.parametrize(
    ("model", "found"),
    [
        ("gpt-realtime-2.1", "gpt-realtime-2.1"),
        ("gpt-realtime-2.1-2026-08-01", "gpt-realtime-2.1"),
        ("gpt-realtime-2.1-mini-2026-08-01", None),
        ("gpt-realtime-2.1-2026", None),
        ("gpt-realtime-2", None),
        ("old-2024-10-01", "old-2024-10-01"),
        ("old-2024-12-17", "old"),
        ("", None),
    ],
)
def test_dated_snapshots_follow_their_model(model: str, found: str | None) -> None:
    prices = Prices([_list("gpt-realtime-2.1"), _list("old"), _list("old-2024-10-01")])

    price = prices.find(model, DAY)

    assert (price and price.model) == found


def test_sure_estimated_missing_and_unpriced_are_kept_apart() -> None:
    records = [
        _record(),
        _record(split_known=False, count=2),
        _record(complete=False, count=3),
        _record("unheard-of", count=4),
    ]

    found = cost(records, Prices([ALL]))

    assert (found.exact, found.estimated) == (Decimal("0.004"), Decimal("0.004"))
    assert (found.missing, found.unpriced, found.bills) == (3, {"unheard-of": {"fresh_text": 1000}}, 10)
    assert not found.whole
    assert found.known


def test_nothing_used_costs_nothing_and_nothing_known_is_not_nothing() -> None:
    assert Cost().whole
    assert Cost().known
    assert not cost([_record("unheard-of")], Prices([])).known
    assert not cost([_record(complete=False)], Prices([ALL])).known


QUANTITIES = st.integers(0, 10**13)
PRICE = st.decimals(0, 10**7, places=6)


@given(st.lists(st.tuples(QUANTITIES, PRICE, st.decimals(0, 10**6, places=3)), max_size=20))
def test_sums_are_exact_whatever_the_precision_of_the_moment(parts: list[tuple[int, Decimal, Decimal]]) -> None:
    with localcontext(prec=6):
        charges = [
            charge(Used((n, *(0,) * 7), seconds), _list(fresh_text=str(price), minute=str(price)))
            for n, price, seconds in parts
        ]
        total = added(one.total for one in charges if one)
    expected = sum(
        (
            Fraction(n) * Fraction(price) / 10**6
            + Fraction(seconds) * Fraction(round(Fraction(price) / 60 * 10**12), 10**12)
            for n, price, seconds in parts
        ),
        Fraction(0),
    )

    assert abs(Fraction(total) - expected) <= sum(Fraction(seconds) for _, _, seconds in parts) / 10**12


def test_rounding_is_for_the_eye_and_comes_last() -> None:
    parts = [Decimal("0.004"), Decimal("0.004"), Decimal("0.004")]

    assert [shown(part) for part in parts] == [Decimal("0.00")] * 3
    assert shown(added(parts)) == Decimal("0.01")
    assert shown(Decimal("0.125")) == Decimal("0.13")
    assert shown(Decimal("0.12345"), 4) == Decimal("0.1235")
