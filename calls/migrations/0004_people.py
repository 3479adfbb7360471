"""What people keep of their own, and the limits of tenants."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0003_call_by_end")]

    operations = [
        migrations.AddField("user", "guide", models.JSONField(blank=True, default=dict, editable=False)),
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
                choices=[("comfortable", "Comfortable"), ("compact", "Compact")], default="comfortable", max_length=11
            ),
        ),
        migrations.AddField(model_name="user", name="letter_keys", field=models.BooleanField(default=True)),
        migrations.AddField(model_name="user", name="session_round", field=models.PositiveIntegerField(default=0)),
    ]
