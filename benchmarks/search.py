"""Search over a million turns: how long the page takes, beside the same page without words to look for.

Turns are written by COPY as the owner: words by Zipf's law, as people speak, from a vocabulary of 30,000.
"""

from __future__ import annotations

import itertools
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
from psycopg import sql

from benchmarks.table import Row
from tests.rig import machine
from tests.rig.machine import Plan, Rig

TENANT = "globex"
"""Nobody calls it in these measurements"""
TURNS_PER_CALL = 20
WORDS = 30_000
ROUNDS = 12
"""Of every question"""
TARGET_MS = 400.0
QUESTIONS = (
    "w3",  # in nearly every call
    "w40",
    "w400",
    "w4000",
    "w29000",  # in a handful
    "w999999",  # never said
    "w400 w90",
    '"w3 w7"',
    '"w90 w41"',
    "w4000 or w5000",
    "w400 -w3",
    "w12000 or w13000 or w29999",
)
_BEGUN = datetime(2026, 1, 5, 9, tzinfo=UTC)
_ZERO = {"bool": "false", "jsonb": "'[]'"}


def rows(directory: Path, turns: int) -> list[Row]:
    with machine.rig(directory, Plan(workers=1, tenants=("acme",), durable=True)) as rig:
        _fill(rig, turns)
        first_bare, *others = _times(rig, "")
        asked = [_times(rig, question) for question in QUESTIONS]
    bare, found = sorted(others), sorted(one for _, *again in asked for one in again)
    first = max(one for one, *_ in asked)
    middle, late = statistics.median(bare) * 1e3, bare[int(len(bare) * 0.95)] * 1e3
    at = f", {turns:,} turns"
    return [
        Row(f"search, first time, slowest of {len(QUESTIONS)}{at}", first * 1e3, "ms", first_bare * 1e3),
        Row(f"search, median{at}", statistics.median(found) * 1e3, "ms", middle),
        Row(f"search, p95{at}", found[int(len(found) * 0.95)] * 1e3, "ms", late, TARGET_MS),
    ]


def _times(rig: Rig, question: str) -> list[float]:
    """Seconds for the whole page, over HTTP, in the order of asking: the first one finds caches cold."""
    visitor = rig.person("supervisor", TENANT)
    path = f"/t/{TENANT}/calls/" + (f"?{urlencode({'q': question})}" if question else "")
    found = []
    for _ in range(ROUNDS + 1):
        begun = time.perf_counter()
        answer = visitor.get(path)
        found.append(time.perf_counter() - begun)
        assert answer.status == 200, answer.status
    return found


def _fill(rig: Rig, turns: int) -> None:
    with psycopg.connect(rig.database_url, autocommit=True) as owner:
        asked = (
            "select t.id, a.id from calls_tenant t join calls_provideraccount a on a.tenant_id = t.id where t.slug = %s"
        )
        tenant, account = owner.execute(asked, [TENANT]).fetchone() or ("", 0)
        count = -(-turns // TURNS_PER_CALL)
        calls = (
            {
                "tenant_id": tenant, "account_id": account, "call_id": f"past-{n}", "state": "ended",
                "from_number": f"+4420794{n:05d}", "to_number": "+4930901820", "end_reason": "remote_hang_up",
                "started_at": _BEGUN + timedelta(minutes=n), "answered_at": _BEGUN + timedelta(minutes=n, seconds=2),
                "ended_at": _BEGUN + timedelta(minutes=n + 4), "attachment": "closed",
            }
            for n in range(count)
        )  # fmt: skip
        _copy(owner, "calls_call", calls, code="gen_random_uuid()")
        query = "select id from calls_call where tenant_id = %s order by started_at"
        ids = [row[0] for row in owner.execute(query, [tenant]).fetchall()]
        _copy(owner, "calls_turn", _turns(tenant, ids, turns))
        owner.execute("vacuum analyze calls_turn, calls_call")


def _turns(tenant: str, calls: Sequence[int], turns: int) -> Iterator[dict[str, Any]]:
    dice = random.Random(7)
    weights = list(itertools.accumulate(1 / rank for rank in range(1, WORDS + 1)))
    vocabulary = [f"w{n}" for n in range(WORDS)]
    for n in range(turns):
        words = dice.choices(vocabulary, cum_weights=weights, k=dice.randint(4, 24))
        call, place = divmod(n, TURNS_PER_CALL)
        yield {
            "tenant_id": tenant, "call_id": calls[call], "item_id": f"item_{n}", "rank": place, "kind": "message",
            "speaker": "caller" if place % 2 else "agent", "status": "completed", "text": " ".join(words),
            "started_at": _BEGUN + timedelta(minutes=call, seconds=10 * place),
        }  # fmt: skip


def _copy(owner: psycopg.Connection[Any], table: str, given: Iterator[dict[str, Any]], **defaults: str) -> None:
    """COPY; columns that must have a value and are not given get the zero of their type while it runs."""
    first = next(given)
    needed = owner.execute(
        """select a.attname, t.typname from pg_attribute a join pg_type t on t.oid = a.atttypid
           where a.attrelid = %s::regclass and a.attnum > 0 and a.attnotnull and not a.atthasdef
             and a.attidentity = '' and not a.attisdropped""",
        [table],
    ).fetchall()
    zeros = {name: _ZERO.get(kind, "0" if "int" in kind else "''") for name, kind in needed if name not in first}
    change = sql.SQL("alter table {} alter column {} {}")
    name = sql.Identifier(table)
    for column, zero in (zeros | defaults).items():
        owner.execute(change.format(name, sql.Identifier(column), sql.SQL(f"set default {zero}")))
    columns = sql.SQL(", ").join(map(sql.Identifier, first))
    with owner.cursor() as cursor, cursor.copy(sql.SQL("copy {} ({}) from stdin").format(name, columns)) as out:
        for row in itertools.chain([first], given):
            out.write_row(tuple(row.values()))
    for column in zeros | defaults:
        owner.execute(change.format(name, sql.Identifier(column), sql.SQL("drop default")))
