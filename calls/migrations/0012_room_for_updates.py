"""A live call is written once a second, its lease prolonged every three: where its page has room, into no index.

Not in a transaction, so that nobody waits for it: a plain drop of an index wants the table for itself and has everybody
queue behind it. Whatever it stopped at, it is run again from its beginning.
"""

from django.db import migrations

from calls.migrations._operations import RemoveIndexBeside, leave_room


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("calls", "0011_taken_at")]

    operations = [RemoveIndexBeside("call", "call_unowned"), leave_room("calls_call", 50)]
