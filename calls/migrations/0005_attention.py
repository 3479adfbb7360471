"""Why a call needs somebody."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0004_people")]

    operations = [
        migrations.AddField(model_name="call", name="quiet_since", field=models.DateTimeField(null=True)),
        # Older web processes, which insert without it, run on for a while.
        migrations.AddField("call", "interruptions", models.PositiveIntegerField(db_default=0, default=0)),
        *(
            migrations.AddField(model_name="call", name=name, field=models.DateTimeField(null=True))
            for name in ("interrupted_at", "tool_failed_at", "asked_for_person_at", "unconfirmed_at", "helped_at")
        ),
    ]
