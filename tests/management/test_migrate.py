"""A migration that would make everybody wait gives up and says what to do."""

from __future__ import annotations

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connections


def test_a_migration_that_queues_for_a_lock_gives_up(committed_db, monkeypatch):
    def alter(*args, **options):
        with connections["owner"].cursor() as cursor:
            cursor.execute("show lock_timeout")
            assert cursor.fetchone() == ("5s",)
            cursor.execute("set lock_timeout = '50ms'")
            cursor.execute("alter table calls_worker add column nothing integer")

    monkeypatch.setattr(MigrateCommand, "handle", alter)
    with psycopg.connect(committed_db) as other:
        other.execute("select * from calls_worker")
        with pytest.raises(CommandError, match="at a quieter time"):
            call_command("migrate")
