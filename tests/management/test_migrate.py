"""A migration that would make everybody wait gives up and says what to do."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import OperationalError, connections
from django.db.migrations.loader import MigrationLoader


def test_a_migration_that_queues_for_a_lock_gives_up(committed_db, monkeypatch):
    def alter(*args, **options):
        with connections["owner"].cursor() as cursor:
            cursor.execute("show lock_timeout")
            assert cursor.fetchone() == ("2s",)
            cursor.execute("set lock_timeout = '50ms'")
            cursor.execute("alter table calls_worker add column nothing integer")

    monkeypatch.setattr(MigrateCommand, "handle", alter)
    with psycopg.connect(committed_db) as other:
        other.execute("select * from calls_worker")
        with pytest.raises(CommandError, match="at a quieter time"):
            call_command("migrate")


class Table:
    """The table of calls, to which one migration is done and undone."""

    def __init__(self, name: str, url: str) -> None:
        self.url = url
        loader = MigrationLoader(None)
        self.migration = loader.disk_migrations["calls", name]
        self.before = loader.project_state([("calls", name)], at_end=False)

    def move(self, *, back: bool = False) -> None:
        """As `migrate` does, in a session without a limit: the test says when it fails."""
        owner = connections.create_connection("owner")
        try:
            with owner.cursor() as cursor:
                cursor.execute("set application_name = 'migrates'; set lock_timeout = 0")
            with owner.schema_editor(atomic=self.migration.atomic) as editor:
                (self.migration.unapply if back else self.migration.apply)(self.before.clone(), editor)
        finally:
            owner.close()

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True, options="-c lock_timeout=100ms") as other:
            found = other.execute(statement.encode())
            return found.fetchall() if found.description else []

    def waits(self) -> None:
        """Until the migration waits for somebody."""
        while not self.ask(WAITING):
            time.sleep(0.01)

    @property
    def looks(self) -> tuple[list[tuple[Any, ...]], Any]:
        """Its index, and whether that serves; its options."""
        index = "select indisvalid from pg_index where indexrelid = to_regclass('call_unowned')"
        [(options,)] = self.ask("select reloptions from pg_class where relname = 'calls_call'")
        return self.ask(index), options


WAITING = "select pid from pg_stat_activity where application_name = 'migrates' and wait_event_type = 'Lock'"
WITH, WITHOUT = ([(True,)], None), ([], ["fillfactor=50"])


@pytest.fixture
def calls_table(committed_db):
    table = Table("0012_room_for_updates", committed_db)
    assert table.looks == WITHOUT
    yield table
    if table.looks != WITHOUT:
        table.move(back=True)
        table.move()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
def test_an_index_comes_and_goes_beside_those_who_use_its_table(calls_table, back):
    """Nobody waits behind it; where it fails in the middle, it is run again."""
    if not back:
        calls_table.move(back=True)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(calls_table.url) as reader:
        reader.execute("select count(*) from calls_call")
        if back:
            reader.execute("update calls_call set last_words = '' where false")
        migrating = pool.submit(calls_table.move, back=back)
        calls_table.waits()

        calls_table.ask("select count(*) from calls_call")
        calls_table.ask("update calls_call set last_words = '' where false")

        calls_table.ask(f"select pg_cancel_backend(pid) from ({WAITING}) as one")
        with pytest.raises(OperationalError, match="user request"):
            migrating.result()
    assert calls_table.looks != (WITH if back else WITHOUT)

    calls_table.move(back=back)

    assert calls_table.looks == (WITH if back else WITHOUT)
