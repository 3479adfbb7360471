"""Full-text search in transcripts."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("calls", "0005_attention")]

    operations = []
