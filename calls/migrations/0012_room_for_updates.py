"""A live call is written once a second, its lease prolonged every three: where its page has room, into no index."""

from django.db import migrations

from calls.migrations._operations import leave_room


class Migration(migrations.Migration):
    dependencies = [("calls", "0011_taken_at")]

    operations = [migrations.RemoveIndex("call", "call_unowned"), leave_room("calls_call", 50)]
