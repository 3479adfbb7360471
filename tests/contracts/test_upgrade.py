"""Processes of the version before go on while a new one comes (docs/operating.md): a migration only adds.

What an older process inserts or reads must go on working on the newer tables: no column or table that it knows goes
away or gets another name, nothing that it writes is refused, and a column that it does not know may be left out.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.models import (
    BigIntegerField,
    CharField,
    CheckConstraint,
    DateTimeField,
    Index,
    IntegerField,
    PositiveIntegerField,
    Q,
    UniqueConstraint,
)

from tests.contracts.migrating import judged

FIRST = "0003_call_by_end"
"""The last migration that no process can be older than"""
HARMLESS = {
    ("0006_search", "do $$"): "makes a role that older processes do not take on",
    ("0006_search", "revoke create on schema public"): "from that role",
    ("0007_money", "add_price_lists"): "fills a table that older processes do not know",
    ("0007_money", "create trigger calls_tokenusage_insert after insert"): "marks a quarter hour; every role may",
    ("0007_money", "create trigger calls_tokenusage_update after update"): "the same",
    ("0007_money", "create trigger calls_tokenusage_delete after delete"): "the same",
    ("0007_money", "create trigger calls_call_regrouped after update"): "the same, of a call's usage",
    ("0007_money", "alter table calls_tokenusage no force"): "for the owner alone, in the same transaction …",
    ("0007_money", "alter table calls_tokenusage force row"): "… as before",
}
"""What was looked at, and why older processes do not fail on it"""


def broken() -> Iterator[tuple[str, str, str]]:
    """What an older process would fail on: migration, what it does, why."""
    loader = MigrationLoader(None)
    for app, name in sorted(key for key in loader.disk_migrations if key[0] == "calls" and key[1] > FIRST):
        before = loader.project_state([(app, name)], at_end=False)
        for what, why in judged(loader.disk_migrations[app, name], before):
            yield name, what, why


def test_every_later_migration_lets_older_processes_go_on():
    assert [found for found in broken() if found[:2] not in HARMLESS] == []


def test_nothing_is_excused_that_is_not_there():
    assert {found[:2] for found in broken()} >= HARMLESS.keys()


def migration(*operations: Operation) -> Migration:
    one = Migration("0099_made_up", "calls")
    one.operations = list(operations)
    return one


def found(*operations: Operation) -> list[tuple[str, str]]:
    return list(judged(migration(*operations), MigrationLoader(None).project_state()))


MOOD = migrations.CreateModel("Mood", [("word", CharField(max_length=8, primary_key=True))])
SHORT = CheckConstraint(condition=Q(floor="caller"), name="short")
ONCE = UniqueConstraint(fields=["floor"], name="once")


@pytest.mark.parametrize(
    "operation",
    [
        migrations.RemoveField("call", "floor"),
        migrations.RenameField("call", "floor", "ground"),
        migrations.DeleteModel("Gap"),
        migrations.RenameModel("Gap", "Hole"),
        migrations.AlterModelTable("gap", "holes"),
        migrations.AddField("call", "mood", CharField(max_length=8)),
        migrations.AddField("call", "mood", CharField(max_length=8, default="calm")),
        migrations.AddField("call", "mood", CharField(max_length=8, db_default="calm", unique=True)),
        migrations.AlterField("call", "last_words", CharField(max_length=8)),
        migrations.AlterField("turn", "text", CharField(max_length=8)),
        migrations.AlterField("call", "ended_at", DateTimeField()),
        migrations.AlterField("call", "last_seq", IntegerField(db_default=0)),
        migrations.AlterField("call", "flush", BigIntegerField()),
        migrations.AlterField("call", "floor", CharField(max_length=200, unique=True)),
        migrations.AddConstraint("call", SHORT),
        migrations.AddConstraint("call", ONCE),
        migrations.AlterUniqueTogether("call", {("tenant", "floor")}),
        migrations.RemoveConstraint("call", "call_id_once"),
        migrations.RemoveIndex("call", "call_by_end"),
        migrations.RunPython(migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState([migrations.RemoveField("call", "floor")]),
    ],
    ids=lambda operation: operation.describe(),
)
def test_what_older_processes_would_fail_on_is_seen(operation):
    assert len(found(operation)) == 1


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("call", "mood", CharField(max_length=8, null=True)),
        migrations.AddField("call", "mood", CharField(max_length=8, db_default="calm")),
        migrations.AddField("call", "mood", CharField(max_length=8, null=True, unique=True)),
        migrations.AlterField("call", "last_words", CharField(max_length=10_000)),
        migrations.AlterField("call", "interruptions", PositiveIntegerField(db_default=1, default=1)),
        RemoveIndexConcurrently("call", "call_by_end"),
        AddIndexConcurrently("call", Index(fields=["floor"], name="call_floor")),
    ],
    ids=lambda operation: operation.describe(),
)
def test_what_only_adds_passes(operation):
    assert found(operation) == []


@pytest.mark.parametrize(
    "statement",
    [
        "alter table calls_call alter column ended_at set not null",
        "ALTER TABLE calls_call\n  ALTER COLUMN floor TYPE varchar(4)",
        "alter table calls_call drop column floor",
        "alter table calls_call rename column floor to ground",
        "alter table calls_call alter floor drop default",
        "alter table calls_call add constraint short check (floor <> '')",
        "alter table calls_call add column mood text not null",
        "alter table calls_call add column mood text unique",
        "alter table calls_call add column mood text, drop column floor",
        "alter table calls_call add column mood numeric(4, 2), alter column floor type varchar(4)",
        "alter table calls_call set (fillfactor = 50, autovacuum_enabled = off), alter column floor set not null",
        "alter table calls_call add column mood text check (mood <> '')",
        "alter table calls_call enable row level security",
        "drop table calls_gap",
        "drop index turn_search",
        "truncate calls_gap",
        "update calls_call set floor = ''",
        "delete from calls_gap",
        "insert into calls_gap (id) values (1)",
        "create unique index once on calls_call (floor)",
        "create trigger refuses before insert on calls_call for each row execute function no()",
        "create policy none on calls_call as restrictive using (false)",
        "create or replace function calls_search(needle text, most integer) returns void language sql as $$ $$",
        "revoke insert on calls_call from app",
        "do $$ begin drop table calls_gap; end $$",
        "grant select on calls_call to app; drop table calls_gap",
        "create table mood (word text); drop table calls_gap",
    ],
)
def test_sql_that_older_processes_would_fail_on_is_seen(statement):
    assert len(found(migrations.RunSQL(statement))) == 1
    assert len(found(migrations.RunSQL([(statement, None)]))) == 1


def test_sql_that_only_adds_passes_and_so_does_what_is_done_to_what_it_adds():
    assert (
        found(
            migrations.RunSQL("""
            create table mood (word text); -- drop table calls_gap;
            alter table mood alter column word set not null;
            create unique index mood_once on mood (word);
            create policy seen on calls_call using (true);
            alter table calls_call add column mood text not null default 'a; drop table calls_gap';
            alter table calls_call set (fillfactor = 50);
            create function no() returns trigger language plpgsql as $$ begin drop table calls_gap; end $$;
            create trigger refuses before insert on mood for each row execute function no();
            revoke all on function no() from public;
        """),
            MOOD,
            migrations.AddConstraint("mood", UniqueConstraint(fields=["word"], name="mood_word")),
            migrations.RunSQL("alter table calls_mood enable row level security"),
        )
        == []
    )
