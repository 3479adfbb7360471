"""Prices, roll-ups of usage, exports."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("calls", "0006_search")]

    operations = []
