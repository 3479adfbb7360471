"""What calls leave behind in PostgreSQL: bytes and rows of each minute of a call, and what was written to its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.load import Load
from benchmarks.table import Row
from tests.rig.machine import Rig

_TABLES = r"""
select relname, pg_total_relation_size(oid) from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace and relname like 'calls\_%%' order by relname
"""


@dataclass(frozen=True)
class Books:
    size: int
    """Bytes of all tables with their indexes"""
    rows: Mapping[str, int]
    wal: int


def books(rig: Rig) -> Books:
    sizes = dict(rig.rows(_TABLES))
    counted = " union all ".join(f"select '{name}', count(*) from {name}" for name in sizes)
    [[position]] = rig.rows("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")
    return Books(sum(sizes.values()), dict(rig.rows(counted)), int(position))


def per_call_minute(rig: Rig, before: Books, load: Load) -> list[Row]:
    """To be asked when all calls are over."""
    after = books(rig)
    minutes = _minutes(rig, load)
    found = {name: (count - before.rows[name]) / minutes for name, count in after.rows.items()}
    named = ", ".join(f"{name.removeprefix('calls_')} {each:.1f}" for name, each in found.items() if each >= 0.05)
    print(f"rows of a call-minute: {named}")
    deltas = load.deltas() / minutes
    return [
        Row("stored of a call-minute", (after.size - before.size) / minutes / 1e3, "kB"),
        Row("  rows, and deltas that it had", sum(found.values()), "", deltas),
        Row("  written to PostgreSQL's log", (after.wal - before.wal) / minutes / 1e3, "kB"),
    ]


def _minutes(rig: Rig, load: Load) -> float:
    ids = [call_id for call_id, _ in load.sent.played().values()]
    query = """select coalesce(sum(extract(epoch from ended_at - answered_at)), 0)::float8 / 60
               from calls_call where call_id = any(%s)"""
    return float(rig.rows(query, ids)[0][0])
