"""What people keep of their own, and the limits of tenants."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("calls", "0003_call_by_end")]

    operations = []
