"""Price lists of the whole platform: rows are only ever added; a trigger refuses anything else."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.validators import MinValueValidator
from django.db import models

from calls.domain.prices import CURRENCY, TOKEN_BUCKETS

PRICES = (*TOKEN_BUCKETS, "per_minute")


def _price() -> Any:
    return models.DecimalField(
        max_digits=14, decimal_places=6, null=True, blank=True, validators=[MinValueValidator(0)]
    )


class PriceList(models.Model):
    """Prices of one model from a day on. A change, or a correction, is a new list: of one day the last added holds.

    Empty is no price, which makes the cost unknown; a bucket that costs nothing says 0.
    """

    model = models.CharField(max_length=80)
    """Dated snapshots of it (`…-2026-08-01`) follow it, unless they have a list of their own"""
    valid_from = models.DateField()
    """A day in UTC"""
    currency = models.CharField(max_length=3, default=CURRENCY, choices=[(CURRENCY, CURRENCY)])
    fresh_text = _price()
    """This and the next seven: for a million tokens; fresh and cached are input"""
    fresh_audio = _price()
    fresh_image = _price()
    cached_text = _price()
    cached_audio = _price()
    cached_image = _price()
    output_text = _price()
    output_audio = _price()
    per_minute = _price()
    """Of models that are paid by time"""
    source = models.URLField(max_length=300)
    checked_on = models.DateField()
    note = models.CharField(max_length=300, blank=True)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["model", "-valid_from", "-id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(currency=CURRENCY), name="price_in_usd"),
            # Nothing is not negative either: a check that is neither true nor false holds.
            models.CheckConstraint(
                condition=models.Q(**{f"{name}__gte": 0 for name in PRICES}), name="prices_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} from {self.valid_from:%Y-%m-%d}"
