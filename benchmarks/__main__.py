"""`make bench`: what an event costs on its whole way, and how long people wait for it. QUICK=1 for a short look.

`python -m benchmarks path pages` measures those parts only, and writes nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from benchmarks import arrivals, heap, load, money, pages, path, search, table, where
from benchmarks.instead import measured
from benchmarks.options import QUICK
from benchmarks.table import Row
from realtime_ops import env

PAST = 50_000 if QUICK else 1_000_000 if sys.argv[1:] else 250_000
"""Turns to search in and bills to sum up: fewer where they are one part of the whole"""
Part = Callable[[Path], list[Row]]

PARTS: Mapping[str, Part] = {
    "path": path.rows,
    "tls": path.tls_rows,
    "arrivals": arrivals.rows,
    "instead": measured.rows,
    "pages": pages.rows,
    "crowd": pages.crowded,
    "search": lambda directory: search.rows(directory, PAST),
    "money": lambda directory: money.rows(directory, PAST),
}

NOTES: Mapping[str, str] = {
    "path": f"""\
Whole path: user and system time of 2 workers, PostgreSQL (fsync on), Redis, web, and jobs with beat, less their idle
time, by the frames that the source sent; median of {path.STRETCHES} times {path.STRETCH_S:g} s, with {load.SCREENS} \
screens on Live and {load.CALLS_PER_SCREEN} calls each. Baseline: a
uvloop process that receives the frames of each stretch's first {path.FLOOR_S:g} s at the same times and forgets them.
Source, replay and screens run on the same cores: their CPU is not counted, but the waiting for cores
that they cause is in every time.
Memory of a call: what the workers have more than before there was any call, by the calls.""",
    "instead": """\
Instead: the value is theirs, the baseline is what the product takes for the same and more, with as many calls; both
less what they use without calls.""",
    "pages": "Pages: the baseline is an empty page.",
    "crowd": "A thousand live calls: all rows shown; the page shares its cores with the whole product and the source.",
    "search": "Search: the whole page over HTTP; the baseline is the same page without words to look for.",
}
ASKED_FOR: Mapping[str, Part] = {"where": where.rows, "heap": heap.rows}
"""Not part of the whole"""


def main() -> None:
    os.environ.pop("DATABASE_URL", None)  # its processes must be ours to be measured
    wanted = sys.argv[1:] or list(PARTS)
    parts = {**PARTS, **ASKED_FOR}
    if unknown := set(wanted) - parts.keys():
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    directory = Path(tempfile.mkdtemp(prefix="ro-bench-"))
    rows: list[Row] = []
    try:
        for name in wanted:
            rows += _part(name, parts[name], directory)
        if wanted == list(PARTS):
            profile = _part("where", where.rows, directory) if _dear(rows) else []
            print(f"\n{table.printed(rows)}\n")
            table.write([*rows, *profile], env.BASE_DIR / "build" / "bench.json")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(_footnotes(wanted))
    if missed := table.missed(rows):
        print("Targets missed:", *missed, sep="\n  ")


def _part(name: str, part: Part, directory: Path) -> list[Row]:
    begun = time.monotonic()
    found = part(directory / name)
    took = f"{name}: {time.monotonic() - begun:.0f} s"
    print(f"\n{table.printed(found)}\n\n{took}\n" if found else took, flush=True)
    return found


def _dear(rows: Sequence[Row]) -> bool:
    """Where the time goes is worth a look."""
    return any("whole path" in name for name in table.missed(rows))


def _footnotes(parts: Sequence[str]) -> str:
    memory = psutil.virtual_memory().total / 2**30
    return "\n".join(
        [
            f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()};"
            f" load of the machine at the end {os.getloadavg()[0]:.1f}.",
            *(NOTES[name] for name in parts if name in NOTES),
        ]
    )


if __name__ == "__main__":
    main()
