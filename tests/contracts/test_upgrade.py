"""Processes of the version before go on while a new one comes (docs/operating.md): a migration only adds.

What an older process inserts or reads must go on working on the newer tables: no column or table that it knows goes
away or gets another name, and a column that it does not know may be left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from django.db import migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import CharField, DateTimeField

FIRST = "0003_call_by_end"
"""The last migration that no process can be older than"""
TAKES_AWAY = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.DeleteModel,
    migrations.RenameModel,
    migrations.AlterModelTable,
)


def broken() -> Iterator[tuple[str, str, str]]:
    """Operations that an older process would fail after: migration, operation, why."""
    loader = MigrationLoader(None)
    for app, name in sorted(key for key in loader.disk_migrations if key[0] == "calls" and key[1] > FIRST):
        state = loader.project_state([(app, name)], at_end=False)
        for operation in loader.disk_migrations[app, name].operations:
            if why := breaks(operation, state):
                yield name, operation.describe(), why
            operation.state_forwards(app, state)


def breaks(operation: Operation, before: ProjectState) -> str:
    if isinstance(operation, TAKES_AWAY):
        return "takes away what an older process knows"
    if isinstance(operation, migrations.AddField):
        field = operation.field
        return "" if field.null or field.has_db_default() or field.many_to_many else "a row without it is refused"
    if isinstance(operation, migrations.AlterField):
        was, field = before.models["calls", operation.model_name_lower].fields[operation.name], operation.field
        narrower = (was.max_length or math.inf) > (field.max_length or math.inf) or (was.null and not field.null)
        return "narrower than what an older process may write" if narrower else ""
    return ""


def test_every_later_migration_lets_older_processes_go_on():
    assert list(broken()) == []


@pytest.mark.parametrize(
    "operation",
    [
        migrations.RemoveField("call", "floor"),
        migrations.RenameField("call", "floor", "ground"),
        migrations.DeleteModel("Gap"),
        migrations.AddField("call", "mood", CharField(max_length=8)),
        migrations.AddField("call", "mood", CharField(max_length=8, default="calm")),
        migrations.AlterField("call", "last_words", CharField(max_length=8)),
        migrations.AlterField("turn", "text", CharField(max_length=8)),
        migrations.AlterField("call", "ended_at", DateTimeField()),
    ],
    ids=lambda operation: operation.describe(),
)
def test_what_older_processes_would_fail_on_is_seen(operation):
    assert breaks(operation, MigrationLoader(None).project_state())
