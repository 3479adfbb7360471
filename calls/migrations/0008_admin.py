"""What the admins' pages need."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("calls", "0007_money")]

    operations = []
