"""`migrate` as the owner of the schema, then the grants of the roles that processes run as."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import OperationalError, connections
from psycopg.errors import LockNotAvailable

SIDEBAND_READS = ("calls_agent", "calls_instructionversion", "calls_provideraccount", "calls_tenant")
SIDEBAND_WRITES = (
    "calls_call",
    "calls_callevent",
    "calls_command",
    "calls_gap",
    "calls_tenantevent",
    "calls_tenantstream",
    "calls_tokenusage",
    "calls_turn",
    "calls_usagemark",
    "calls_worker",
)
"""What a sideband worker has to do with; people, sessions and the audit log are none of it."""

QUEUED = (
    "A table is in use: the migration waited 2 s for its lock and gave up, so that nobody queues behind it. "
    "Run migrate again at a quieter time, or stop the other processes first: it goes on with what is missing."
)


class Command(MigrateCommand):
    """Django's migrate on the database alias `owner`; the usual alias runs as a role that may not change tables."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except OperationalError as error:
            if isinstance(error.__cause__, LockNotAvailable):
                raise CommandError(QUEUED) from error
            raise
        app, sideband = settings.APP_ROLE, settings.SIDEBAND_ROLE
        with connections[options["database"]].cursor() as cursor:
            cursor.execute("select to_regclass('calls_auditentry')")
            if cursor.fetchone() == (None,):
                return  # migrated back to before the tables
            cursor.execute(f"grant usage on schema public to {app}, {sideband}")
            cursor.execute(f"grant select, insert, update, delete on all tables in schema public to {app}")
            cursor.execute(f"grant usage on all sequences in schema public to {app}, {sideband}")
            cursor.execute(f"revoke update, delete on calls_auditentry from {app}")
            cursor.execute(f"revoke insert, update, delete on django_migrations from {app}")
            cursor.execute(f"grant select on {', '.join(SIDEBAND_READS)} to {sideband}")
            cursor.execute(f"grant select, insert, update, delete on {', '.join(SIDEBAND_WRITES)} to {sideband}")
