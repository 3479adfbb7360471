"""What people keep of their own, and the limits of tenants.

Columns have their defaults in the database too: while web processes are replaced, older ones insert without them.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0003_call_by_end")]

    operations = [
        migrations.AddField("user", "guide", models.JSONField(blank=True, db_default={}, default=dict, editable=False)),
        migrations.AddField("tenant", "calls_at_once", models.PositiveIntegerField(blank=True, null=True)),
        migrations.CreateModel(
            name="SignInLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="user",
            name="density",
            field=models.CharField(
                choices=[("comfortable", "Comfortable"), ("compact", "Compact")],
                db_default="comfortable",
                default="comfortable",
                max_length=11,
            ),
        ),
        migrations.AddField("user", "letter_keys", models.BooleanField(db_default=True, default=True)),
        migrations.AddField("user", "session_round", models.PositiveIntegerField(db_default=0, default=0)),
    ]
