"""The live page asks for calls that ended within the last seconds: an index, so that it need not read the history."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0002_isolation")]

    operations = [
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                fields=["tenant", "ended_at"], name="call_by_end", condition=models.Q(ended_at__isnull=False)
            ),
        ),
    ]
