"""Prices, roll-ups of usage, exports."""

import json
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import migrations, models
from django.db.models.deletion import CASCADE, SET_NULL

from calls.migrations import _usage_sql
from calls.migrations._operations import enable_tenant_isolation, refuse_changes

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


def _tenant() -> tuple[str, Any]:
    return (
        "tenant",
        models.ForeignKey(db_index=False, on_delete=CASCADE, related_name="+", to="calls.tenant"),
    )


def _key() -> tuple[str, Any]:
    return ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))


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
                _key(),
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
        migrations.CreateModel(
            name="UsageSum",
            fields=[
                _key(),
                ("start", models.DateTimeField()),
                ("model", models.CharField(blank=True, max_length=80)),
                ("agent", models.BigIntegerField(null=True)),
                ("version", models.BigIntegerField(null=True)),
                ("complete", models.BooleanField()),
                ("split_known", models.BooleanField()),
                ("bills", models.BigIntegerField()),
                *((name, models.BigIntegerField()) for name in PRICES[:-1]),
                ("seconds", models.DecimalField(decimal_places=3, max_digits=16)),
                _tenant(),
            ],
            options={"indexes": [models.Index(fields=["tenant", "start"], name="usage_sum_by_start")]},
        ),
        migrations.CreateModel(
            name="UsageMark",
            fields=[_key(), ("start", models.DateTimeField()), _tenant()],
            options={"indexes": [models.Index(fields=["tenant", "start"], name="usage_mark_by_start")]},
        ),
        migrations.RunSQL(_usage_sql.CREATE, _usage_sql.DROP),
        enable_tenant_isolation("calls_usagesum"),
        enable_tenant_isolation("calls_usagemark"),
        migrations.RunSQL(_usage_sql.MARK_ALL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="turn",
            index=models.Index(
                fields=["tenant", "started_at"],
                name="turn_by_reply",
                include=["reply_ms", "call"],
                condition=models.Q(reply_ms__isnull=False),
            ),
        ),
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=12)),
                ("file_format", models.CharField(max_length=8)),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("reveal", models.BooleanField(default=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            (name, name) for name in ("waiting", "running", "done", "failed", "cancelled", "expired")
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("expected", models.BigIntegerField(null=True)),
                ("rows", models.BigIntegerField(default=0)),
                ("size", models.BigIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=300)),
                ("asked_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("heard_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(null=True, on_delete=SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                _tenant(),
            ],
            options={"indexes": [models.Index(fields=["tenant", "-asked_at"], name="export_by_time")]},
        ),
        enable_tenant_isolation("calls_export"),
    ]
