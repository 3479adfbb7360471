"""Prices, roll-ups of usage, exports."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.validators import MinValueValidator
from django.db import migrations, models

from calls.migrations._operations import refuse_changes

PRICES = (
    "fresh_text",
    "fresh_audio",
    "fresh_image",
    "cached_text",
    "cached_audio",
    "cached_image",
    "output_text",
    "output_audio",
    "per_minute",
)


def _price() -> Any:
    return models.DecimalField(
        max_digits=14, decimal_places=6, null=True, blank=True, validators=[MinValueValidator(0)]
    )


def add_price_lists(apps: Any, schema_editor: Any) -> None:
    """What was known on the day in the file's name; each list names its source."""
    lists = json.loads(Path(__file__).with_name("price_lists_2026_11_20.json").read_text())
    price_list = apps.get_model("calls", "PriceList")
    price_list.objects.using(schema_editor.connection.alias).bulk_create(
        price_list(**{name: Decimal(value) if name in PRICES else value for name, value in one.items()})
        for one in lists
    )


class Migration(migrations.Migration):
    dependencies = [("calls", "0006_search")]

    operations = [
        migrations.CreateModel(
            name="PriceList",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("model", models.CharField(max_length=80)),
                ("valid_from", models.DateField()),
                ("currency", models.CharField(choices=[("USD", "USD")], default="USD", max_length=3)),
                *((name, _price()) for name in PRICES),
                ("source", models.URLField(max_length=300)),
                ("checked_on", models.DateField()),
                ("note", models.CharField(blank=True, max_length=300)),
                ("added_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["model", "-valid_from", "-id"],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(currency="USD"), name="price_in_usd"),
                    models.CheckConstraint(
                        condition=models.Q(**{f"{name}__gte": 0 for name in PRICES}), name="prices_not_negative"
                    ),
                ],
            },
        ),
        migrations.RunPython(add_price_lists, migrations.RunPython.noop),
        refuse_changes("calls_pricelist"),
    ]
