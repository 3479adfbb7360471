"""When a call changed hands last: how often is counted anew after a while."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("calls", "0010_survival")]

    operations = [migrations.AddField("call", "taken_at", models.DateTimeField(null=True))]
