"""Usage page and exports over a million bills; and what it costs the hot path that usage can be summed up.

`python -m benchmarks.money export KIND FORMAT` writes one export in this process and prints what that took.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import past
from benchmarks.table import Row
from tests.rig import machine
from tests.rig.machine import Plan, Rig

ROUNDS = 12
RANGES = ("yesterday", "7d", "30d", "month", "last-month")
PAGE_TARGET_MS = 800.0
EXPORT_TARGET_US = 20.0
"""A row: 50,000 rows a second"""
FORMATS = (("charges", "csv"), ("transcripts", "csv"), ("charges", "parquet"), ("charges", "xlsx"))
BATCHES, BILLS = 300, 10
_COPY = """copy (select u.*, c.call_id as of_call from calls_tokenusage u join calls_call c on c.id = u.call_id
    order by u.at, u.id) to stdout with csv"""
_BILLS = """
insert into calls_tokenusage (tenant_id, call_id, kind, ref_id, model, input_text, input_audio, input_image,
    cached_text, cached_audio, cached_image, output_text, output_audio, total, split_known, complete, at)
select c.tenant_id, c.id, 'response', %(name)s || n, 'gpt-realtime', 1, 1, 0, 0, 0, 0, 1, 1, 4, true, true, now()
from (select * from calls_call order by id limit 1) c cross join generate_series(1, %(bills)s) n
on conflict (call_id, kind, ref_id) do update set total = excluded.total
"""


def rows(directory: Path, bills: int) -> list[Row]:
    directory.mkdir()
    with machine.rig(directory, Plan(workers=1, tenants=("acme",), durable=True)) as rig:
        past.write(rig.database_url, bills)
        summed = _sum_up(rig)
        at = f", {bills:,} bills"
        found = [Row(f"all sums of usage made anew{at}", summed, "s"), *_pages(rig, at), *_exports(rig, at)]
        return [*found, _hot_path(rig)]


def _sum_up(rig: Rig) -> float:
    begun = time.perf_counter()
    query = "select 1 from calls_usagemark where start < now() - interval '1 hour' limit 1"
    while rig.rows(query):
        rig.manage("shell", "-v", "0", "-c", "from calls.tasks import sum_up_usage; sum_up_usage()")
    return time.perf_counter() - begun


def _pages(rig: Rig, at: str) -> list[Row]:
    first_empty, *others = _times(rig, "globex", RANGES[0])
    empty = sorted(others)
    asked = [_times(rig, "acme", name) for name in RANGES]
    found = sorted(one for _, *again in asked for one in again)
    first = max(one for one, *_ in asked)
    bare, late = statistics.median(empty) * 1e3, _percentile(empty) * 1e3
    return [
        Row(f"usage page, first time, slowest of {len(RANGES)}{at}", first * 1e3, "ms", first_empty * 1e3),
        Row(f"usage page, median{at}", statistics.median(found) * 1e3, "ms", bare),
        Row(f"usage page, p95{at}", _percentile(found) * 1e3, "ms", late, PAGE_TARGET_MS),
    ]


def _times(rig: Rig, tenant: str, name: str) -> list[float]:
    """Seconds for the whole page, over HTTP, in the order of asking. Of the rival, an empty page: it has no calls."""
    visitor = rig.person("analyst", tenant)
    path = f"/t/{tenant}/usage/?range={name}"
    found = []
    for _ in range(ROUNDS + 1):
        begun = time.perf_counter()
        answer = visitor.get(path)
        found.append(time.perf_counter() - begun)
        assert answer.status == 200, answer.status
    return found


def _exports(rig: Rig, at: str) -> list[Row]:
    copied = _copy(rig)
    small = _export(rig, "calls", "csv")
    found = []
    for kind, file_format in FORMATS:
        one = _export(rig, kind, file_format)
        name = f"export, {kind} as {file_format}"
        target = EXPORT_TARGET_US if file_format == "csv" else None
        found += [
            Row(f"{name}, a row{at}", one["seconds"] / one["rows"] * 1e6, "µs", copied, target),
            Row(f"{name}, peak memory{at}", one["peak_mb"], "MB", small["peak_mb"]),
        ]
    return found


def _export(rig: Rig, kind: str, file_format: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.money", "export", kind, file_format]
    done = subprocess.run(command, env=rig.environment, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _copy(rig: Rig) -> float:
    """Microseconds a row of the barest export that there is: COPY to a file, as the owner."""
    begun = time.perf_counter()
    with (
        psycopg.connect(rig.database_url) as owner,
        (rig.directory / "copy.csv").open("wb") as out,
        owner.cursor() as cursor,
    ):
        with cursor.copy(_COPY.encode()) as copy:
            for block in copy:
                out.write(block)
        count = cursor.rowcount
    return (time.perf_counter() - begun) / max(1, count) * 1e6


def _hot_path(rig: Rig) -> Row:
    """A batch of bills, stored as the sideband workers store them, with the marks and without."""
    with psycopg.connect(rig.database_url, autocommit=True) as owner:
        found = {}
        for name, switch in (("warm", "enable"), ("bare", "disable"), ("marked", "enable")):
            owner.execute(f"alter table calls_tokenusage {switch} trigger user".encode())
            begun = time.perf_counter()
            for n in range(BATCHES):
                owner.execute(_BILLS.encode(), {"name": f"{name}-{n}-", "bills": BILLS})
            found[name] = (time.perf_counter() - begun) / BATCHES * 1e6
    return Row(f"{BILLS} bills stored, with their marks", found["marked"], "µs", found["bare"])


def _percentile(ordered: list[float]) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def export(kind: str, file_format: str) -> None:
    import django

    django.setup()
    from calls.actions import export_run
    from calls.models import Export, Tenant
    from calls.tenancy import tenant_scope

    tenant = Tenant.objects.get(slug="acme").pk
    first, last = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    with tenant_scope(tenant):
        made = Export.objects.create(kind=kind, file_format=file_format, since=first, until=last)
    begun = time.perf_counter()
    export_run.run(tenant, made.pk)
    seconds = time.perf_counter() - begun
    with tenant_scope(tenant):
        made.refresh_from_db()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert made.state == "done", f"{made.state}: {made.error}"
    print(json.dumps({"seconds": seconds, "rows": max(1, made.rows), "peak_mb": peak}))


if __name__ == "__main__":
    export(*sys.argv[2:])
