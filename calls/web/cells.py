"""Figures as people read them, and tables of them: the same ones on the page and as CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from calls.domain.prices import Cost, shown
from calls.web.times import took

NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure or name. `value` is what a CSV holds, `text` what the page shows."""

    value: object
    text: str
    href: str = ""
    share: float | None = None
    """Of the largest one of its column, as a bar"""
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    """Its name in the CSV"""
    title: str
    numeric: bool = True


@dataclass(slots=True)
class Table:
    key: str
    title: str
    columns: Sequence[Column]
    rows: list[list[Cell]] = field(default_factory=list)
    foot: list[Cell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def name(text: str, href: str = "", *, muted: bool = False) -> Cell:
    return Cell(text, text, href, muted=muted)


def count(value: int | Decimal, share: float | None = None) -> Cell:
    return Cell(value, f"{value:,}", share=share)


def minutes(value: Decimal) -> Cell:
    places = 1 if value < 10 else 0
    return Cell(shown(value, 2), f"{shown(value, places):,}")


def reply(ms: int | None) -> Cell:
    return Cell("", NO_DATA, muted=True) if ms is None else Cell(ms, took(ms))


def money(amount: Decimal, places: int = 2) -> str:
    """In US dollars, rounded for the eye."""
    return f"${shown(amount, places):,}"


def places(total: Decimal) -> int:
    """Decimals of all amounts of a page: cents, and hundredths of them where the whole is below a dollar."""
    return 2 if total >= 1 or not total else 4


def amount(value: Decimal, decimals: int, share: float | None = None) -> Cell:
    return Cell(f"{value:f}", money(value, decimals), share=share)


def cost(value: Cost, decimals: int, share: float | None = None) -> Cell:
    """The sure part. Where nothing has a price it is unknown, which is not nothing."""
    return amount(value.exact, decimals, share) if value.known else Cell("", "unknown", muted=True)


def change(now: Decimal | int | None, before: Decimal | int | None) -> str:
    """`+6 %`; `none before`, where there was nothing to compare with."""
    if now is None or before is None:
        return ""
    if not before:
        return "none before" if now else "same as before"
    percent = round((Decimal(now) - Decimal(before)) / Decimal(before) * 100)
    return "same as before" if not percent else f"{percent:+,} %".replace("-", "\N{MINUS SIGN}")
