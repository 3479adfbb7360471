"""Why a call needs somebody."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("calls", "0004_people")]

    operations = []
