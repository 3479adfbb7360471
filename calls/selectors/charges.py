"""What calls cost, from their usage and the price lists of its days. Reads only, inside a tenant_scope.

Nothing is stored: a list that is added re-rates what lies after its first day. Amounts are exact (domain.prices).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from calls.domain import prices
from calls.domain.prices import CURRENCY, PLACES, TOKEN_BUCKETS, ZERO, Cost, Prices, Record, Used
from calls.models import Call, PriceList, TokenUsage
from calls.selectors import usage

FRESH = {
    "fresh_text": F("input_text") - F("cached_text"),
    "fresh_audio": F("input_audio") - F("cached_audio"),
    "fresh_image": F("input_image") - F("cached_image"),
}
"""The provider counts cached tokens among the input."""


def price_lists() -> Prices:
    """All lists; they are some dozens of rows."""
    return Prices(map(_price_list, PriceList.objects.order_by("id")))


def of_call(call: Call) -> Cost:
    return of_calls([call.pk])[call.pk]


def of_calls(calls: Collection[int]) -> dict[int, Cost]:
    """By primary key, one query for all. A call without usage costs nothing."""
    found = {call: Cost() for call in calls}
    lists = price_lists()
    for row in _summed(TokenUsage.objects.filter(call__in=found), "call_id"):
        found[row["call_id"]].add(_record(row), lists)
    return found


def spend_since(start: datetime) -> Cost:
    """What the tenant's usage from `start` on costs. Cheap: from sums of quarter hours, and the rows of the last."""
    lists = price_lists()
    ahead = timezone.now() + timedelta(days=1)  # no clock of a worker is so far ahead
    lines = usage.usage([start, max(start, ahead)], lists)
    return prices.cost((line.record for line in lines), lists)


def price_table(models: Collection[str], on: date) -> dict[str, Any]:
    """Prices of one token, and of one second as `time`, as whole trillionths of a dollar, for sums in the browser.

    A model without a list is absent: its cost is unknown.
    """
    lists = price_lists()
    found = {model: lists.find(model, on) for model in models}
    return {
        "currency": CURRENCY,
        "places": PLACES,
        "models": {
            model: {name: int(price.scaleb(PLACES)) for name, price in one.unit.items()}
            for model, one in found.items()
            if one
        },
    }


def _summed(bills: QuerySet[TokenUsage], *by: str) -> Iterator[dict[str, Any]]:
    """One row for each model, day and certainty."""
    found: Iterator[dict[str, Any]] = (
        bills.annotate(day=TruncDate("at", tzinfo=UTC))
        .values("model", "day", "complete", "split_known", *by)
        .annotate(
            bills=Count("id"),
            time=Sum("seconds"),
            # Named apart from the columns, which an aggregate may not shadow.
            **{f"sum_{name}": Sum(FRESH.get(name, F(name))) for name in TOKEN_BUCKETS},
        )
        .order_by()
        .iterator()
    )
    return found


def _record(row: dict[str, Any]) -> Record:
    used = Used(tuple(int(row[f"sum_{name}"]) for name in TOKEN_BUCKETS), row["time"] or ZERO)
    return Record(row["model"], row["day"], used, row["bills"], row["complete"], row["split_known"])


def _price_list(row: PriceList) -> prices.PriceList:
    amounts = {name: getattr(row, name) for name in TOKEN_BUCKETS}
    per_million = {name: amount for name, amount in amounts.items() if amount is not None}
    return prices.PriceList(row.model, row.valid_from, per_million, row.per_minute)
