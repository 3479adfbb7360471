"""What an operation of a migration means to a process of the version before, which goes on beside it.

Judged by a closed vocabulary: what is not known to be harmless breaks, until somebody writes down why it does not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations
from django.db.migrations.migration import Migration
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Field, UniqueConstraint

TAKES_AWAY = (
    migrations.RemoveField,
    migrations.RenameField,
    migrations.DeleteModel,
    migrations.RenameModel,
    migrations.AlterModelTable,
)
HARMLESS = (
    migrations.CreateModel,
    migrations.AddIndex,
    RemoveIndexConcurrently,
    migrations.RenameIndex,
    migrations.AlterModelOptions,
    migrations.AlterModelManagers,
    migrations.AlterModelTableComment,
)
WIDER = {
    ("CharField", "TextField"),
    ("SmallIntegerField", "IntegerField"),
    ("IntegerField", "BigIntegerField"),
    ("PositiveSmallIntegerField", "PositiveIntegerField"),
    ("PositiveIntegerField", "PositiveBigIntegerField"),
}
"""Kinds of columns that take all that the other one took, and read the same"""

_ONLY_ADDS = re.compile(
    r"create (table|function|role|index|sequence|type|view) |grant |set constraints "
    r"|create policy \S+ on \S+ (?!as restrictive)"
    r"|alter table \S+ (re)?set \("
)
_ADDS_COLUMN = re.compile(
    r"alter table \S+ add column (?!.*\b(unique|check|references|primary key|constraint)\b)(?P<column>.*)"
)
_OBJECT = re.compile(
    r"(?:\bon|\binto|^(?:alter|drop|truncate|update|delete from)) "
    r"(?:(?:table|function|schema|index|only|if exists) )*(?:public\.)?\"?(\w+)"
)
_MADE = re.compile(r"create (?:table|function|role|view|type|sequence) (?:if not exists )?(?:public\.)?\"?(\w+)")


def judged(migration: Migration, before: ProjectState) -> Iterator[tuple[str, str]]:
    """What older processes would fail on: what it does, and why. `before` is as the migration finds it."""
    state = before.clone()
    old = {name for app, name in before.models if app == migration.app_label}
    made = {
        operation.options.get("db_table") or f"{migration.app_label}_{operation.name_lower}"
        for operation in migration.operations
        if isinstance(operation, migrations.CreateModel)
    }
    for operation in migration.operations:
        if isinstance(operation, migrations.RunSQL):
            for statement in statements(operation):
                made |= set(_MADE.findall(statement))
                if why := sql_breaks(statement, made):
                    yield " ".join(statement.split()[:5]), why
        elif getattr(operation, "model_name_lower", None) in {None, *old} and (why := breaks(operation, state)):
            yield _named(operation), why
        operation.state_forwards(migration.app_label, state)


def _named(operation: Operation) -> str:
    return operation.code.__name__ if isinstance(operation, migrations.RunPython) else operation.describe()


def breaks(operation: Operation, before: ProjectState) -> str:
    """Why older processes would fail on an operation on a table that they know."""
    if isinstance(operation, TAKES_AWAY):
        return "takes away what an older process knows"
    if isinstance(operation, migrations.AddField):
        return _column_breaks(operation.field)
    if isinstance(operation, migrations.AlterField):
        return _change_breaks(
            before.models["calls", operation.model_name_lower].fields[operation.name], operation.field
        )
    if isinstance(operation, migrations.AddConstraint | migrations.AlterUniqueTogether):
        return "may refuse what an older process writes"
    if isinstance(operation, migrations.RemoveConstraint):
        found = before.models["calls", operation.model_name_lower].get_constraint_by_name(operation.name)
        return "an older process may name it in ON CONFLICT" if isinstance(found, UniqueConstraint) else ""
    if isinstance(operation, migrations.RemoveIndex) and not isinstance(operation, RemoveIndexConcurrently):
        return "who reads the table has it wait, and everybody behind it"
    return "" if isinstance(operation, HARMLESS) else "nobody has judged what it does"


def _column_breaks(field: Field) -> str:
    if field.many_to_many or field.null:
        return ""
    if field.unique:
        return "the second row without it is refused"
    return "" if field.has_db_default() else "a row without it is refused"


def _change_breaks(was: Field, field: Field) -> str:
    kinds = was.get_internal_type(), field.get_internal_type()
    if kinds[0] != kinds[1] and kinds not in WIDER:
        return "another kind than an older process writes"
    if (was.max_length or math.inf) > (field.max_length or math.inf) or (was.null and not field.null):
        return "narrower than what an older process may write"
    if field.unique and not was.unique:
        return "may refuse what an older process writes"
    if was.has_db_default() and not field.has_db_default() and not field.null:
        return "a row without it is refused"
    return ""


def statements(operation: migrations.RunSQL) -> list[str]:
    """In small letters, each on one line, without comments and the bodies of functions."""
    given = operation.sql if isinstance(operation.sql, list | tuple) else [operation.sql]
    whole = ";".join(one if isinstance(one, str) else one[0] for one in given)
    bare = re.sub(r"\$(\w*)\$.*?\$\1\$", "$$", whole, flags=re.DOTALL)
    bare = re.sub(r"'(?:[^']|'')*'", "''", re.sub(r"--[^\n]*|/\*.*?\*/", "", bare, flags=re.DOTALL))
    return [found for part in bare.split(";") if (found := " ".join(part.lower().split()))]


def _clauses(statement: str) -> list[str]:
    """`alter table` and its table, then what is done to it, one by one; of another statement the whole."""
    if not (found := re.match(r"(alter table (?:if exists |only )*\S+) (.*)", statement)):
        return [statement]
    parts, depth = [""], 0
    for sign in found[2]:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return [found[1], *(part.strip() for part in parts)]


def sql_breaks(statement: str, made: Collection[str]) -> str:
    """Why older processes would fail on a statement; `made` are tables and more that the same migration makes."""
    table, *clauses = _clauses(statement)
    if len(clauses) > 1:
        return next((why for clause in clauses if (why := sql_breaks(f"{table} {clause}", made))), "")
    if _ONLY_ADDS.match(statement):
        return ""
    if column := _ADDS_COLUMN.match(statement):
        needed = "not null" in column["column"] and not re.search(r"\bdefault\b|\bgenerated\b", column["column"])
        return "a row without it is refused" if needed else ""
    if (found := _OBJECT.search(statement)) and found[1] in made:
        return ""
    return "not known to be harmless"
