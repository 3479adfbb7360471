"""Commands that change a running session, and those that ask for a sign of life."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0008_admin")]

    operations = [
        migrations.AddField("command", "settings", models.JSONField(db_default={}, default=dict)),
        migrations.AlterField(
            "command",
            "verb",
            models.CharField(
                choices=[
                    (verb, verb)
                    for verb in (
                        "inform", "instruct", "say", "session", "probe", "stop_talking", "transfer", "hang_up",
                    )
                ],
                max_length=12,
            ),
        ),
    ]  # fmt: skip
