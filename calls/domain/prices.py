"""What usage costs: price lists with the day from which they hold, and exact charges. Knows no clock and no rounding
but the one for the eye.

Exact means exact: a price has at most six decimals a million tokens, so a token's has twelve; a minute's price becomes
a second's of twelve decimals once, when the list is read. An amount that would need rounding raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from typing import Any

CURRENCY = "USD"
"""Of every list: nothing is converted (docs/decisions/0007)."""
TOKEN_BUCKETS = (
    "fresh_text",
    "fresh_audio",
    "fresh_image",
    "cached_text",
    "cached_audio",
    "cached_image",
    "output_text",
    "output_audio",
)
BUCKETS = (*TOKEN_BUCKETS, "time")
"""What is charged apart: input that was new, input from the cache, output, and transcription by its length."""
PLACES = 12
"""Decimals of the price of one token and of one second"""
FEMTO = -15
"""Exponent of the smallest amount that a charge can have: seconds have three decimals of their own"""

_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
_ROUNDING = Context(prec=60)
_MILLION = Decimal(1_000_000)
_SNAPSHOT = re.compile(r"-\d{4}-\d{2}-\d{2}$")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Used:
    """Quantities by bucket: cached tokens are no part of the fresh ones here."""

    tokens: tuple[int, ...] = (0,) * len(TOKEN_BUCKETS)
    """In the order of TOKEN_BUCKETS"""
    seconds: Decimal = ZERO

    @classmethod
    def of(cls, row: Any, seconds: Decimal | None = None) -> Used:
        """From anything with the provider's counts, in which the cached tokens are a subset of the input."""
        fresh = (
            row.input_text - row.cached_text,
            row.input_audio - row.cached_audio,
            row.input_image - row.cached_image,
        )
        cached = (row.cached_text, row.cached_audio, row.cached_image)
        return cls((*fresh, *cached, row.output_text, row.output_audio), seconds or ZERO)

    def __add__(self, other: Used) -> Used:
        tokens = tuple(a + b for a, b in zip(self.tokens, other.tokens, strict=True))
        return Used(tokens, _EXACT.add(self.seconds, other.seconds))

    def __bool__(self) -> bool:
        return any(self.tokens) or bool(self.seconds)


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices of one model from a day on, in USD. A bucket without a price is not free: its cost is unknown."""

    model: str
    valid_from: date
    """A day in UTC"""
    per_million: Mapping[str, Decimal]
    """Of the token buckets that have a price"""
    per_minute: Decimal | None = None

    @property
    def unit(self) -> dict[str, Decimal]:
        """The price of one token, and of one second as `time`."""
        units = {name: _EXACT.divide(price, _MILLION) for name, price in self.per_million.items()}
        if self.per_minute is not None:
            units["time"] = shown(_ROUNDING.divide(self.per_minute, Decimal(60)), PLACES)
        return units

    @property
    def femto(self) -> tuple[int | None, ...]:
        """The same in whole quadrillionths of a dollar, in the order of BUCKETS: of one token, and of one
        millisecond. Sums of many charges are faster in whole numbers."""
        units = self.unit
        scales = (-FEMTO,) * len(TOKEN_BUCKETS) + (PLACES,)
        return tuple(
            int(units[name].scaleb(scale)) if name in units else None
            for name, scale in zip(BUCKETS, scales, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Charge:
    """What was used: exact amounts of the buckets that have a price, and the quantities of those that have none."""

    amounts: Mapping[str, Decimal]
    unpriced: Mapping[str, int | Decimal]

    @property
    def total(self) -> Decimal:
        return added(self.amounts.values())


def charge(used: Used, price: PriceList | None) -> Charge:
    """Bucket by bucket, so that the charge of a sum is the sum of the charges, also where prices are lacking."""
    unit = price.unit if price else {}
    wanted: dict[str, int | Decimal] = dict(zip(TOKEN_BUCKETS, used.tokens, strict=True)) | {"time": used.seconds}
    there = {name: quantity for name, quantity in wanted.items() if quantity}
    return Charge(
        {name: _EXACT.multiply(Decimal(quantity), unit[name]) for name, quantity in there.items() if name in unit},
        {name: quantity for name, quantity in there.items() if name not in unit},
    )


class Prices:
    """All lists. Later ones replace earlier ones from their day on; of one day, the one added last holds."""

    def __init__(self, lists: Iterable[PriceList]) -> None:
        """`lists` in the order in which they were added."""
        self._by_model: dict[str, list[PriceList]] = {}
        for one in lists:
            self._by_model.setdefault(one.model, []).append(one)
        for found in self._by_model.values():
            found.sort(key=lambda one: one.valid_from)  # stable: what was added last stays last

    @property
    def days(self) -> list[date]:
        """Days on which some price changes, in order."""
        return sorted({one.valid_from for found in self._by_model.values() for one in found})

    def find(self, model: str, on: date) -> PriceList | None:
        """The list of exactly this model, else, for a dated snapshot (`…-2026-08-01`), of the model it is one of."""
        found = self._by_model.get(model) or self._by_model.get(_SNAPSHOT.sub("", model)) or []
        return next((one for one in reversed(found) if one.valid_from <= on), None)


@dataclass(frozen=True, slots=True)
class Record:
    """Usage of one model on one day (UTC): one bill, or many alike."""

    model: str
    day: date
    used: Used
    count: int = 1
    complete: bool = True
    """False: the provider's figures never came"""
    split_known: bool = True
    """False: the provider gave sums without their parts, so a charge is an estimate"""


@dataclass(slots=True)
class Cost:
    """What some usage cost. What is sure, what is estimated and what is not known are never mixed."""

    amounts: dict[str, Decimal] = field(default_factory=dict)
    """Sure, by bucket"""
    estimated: Decimal = ZERO
    missing: int = 0
    """Bills whose figures never came: their cost is in no sum"""
    unpriced: dict[str, dict[str, int | Decimal]] = field(default_factory=dict)
    """Tokens and seconds without a price, by model and bucket: their cost is in no sum"""
    bills: int = 0
    priced: bool = False
    """Something has an amount, be it 0"""

    @property
    def exact(self) -> Decimal:
        return added(self.amounts.values())

    @property
    def whole(self) -> bool:
        """Nothing is estimated, missing or without a price."""
        return not (self.estimated or self.missing or self.unpriced)

    @property
    def known(self) -> bool:
        """Something has an amount, or there was nothing to pay."""
        return self.priced or not (self.missing or self.unpriced)

    def add(self, record: Record, prices: Prices) -> None:
        self.bills += record.count
        if not record.complete:
            self.missing += record.count
            return
        found = charge(record.used, prices.find(record.model, record.day))
        self.priced = self.priced or bool(found.amounts)
        for name, quantity in found.unpriced.items():
            of_model = self.unpriced.setdefault(record.model, {})
            of_model[name] = of_model.get(name, 0) + quantity
        if record.split_known:
            for name, amount in found.amounts.items():
                self.amounts[name] = _EXACT.add(self.amounts.get(name, ZERO), amount)
        else:
            self.estimated = _EXACT.add(self.estimated, found.total)


def cost(records: Iterable[Record], prices: Prices) -> Cost:
    whole = Cost()
    for record in records:
        whole.add(record, prices)
    return whole


def added(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum."""
    total = ZERO
    for amount in amounts:
        total = _EXACT.add(total, amount)
    return total


def shown(amount: Decimal, places: int = 2) -> Decimal:
    """For the eye only, halves away from zero. Sum first, round once: a column of rounded parts ends with the rounded
    sum of the exact parts, which may differ from the sum of what is printed in the last place."""
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, _ROUNDING)
