"""Which flush of its owner a call has; what each process counts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0009_session_command")]

    operations = [
        # Processes of the version before insert without these for a while.
        migrations.AddField("call", "flush", models.BigIntegerField(db_default=0, default=0)),
        migrations.AddField(
            "worker", "kind", models.CharField(db_default="sideband", default="sideband", max_length=12)
        ),
        migrations.AddField("worker", "counters", models.JSONField(db_default={}, default=dict)),
    ]  # fmt: skip
