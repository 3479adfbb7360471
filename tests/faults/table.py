"""The table that a matrix of runs ends with."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from tests.faults.run import Result

COLUMNS = {
    "runs": "runs",
    "lost": "lost_attached",
    "gaps": "gap_rows",
    "longest": "gap_max_s",
    "dup": "dup_rows",
    "stale": "stale_epoch_rows",
    "back p95": "reattach_p95_s",
    "back max": "reattach_max_s",
    "holes": "screen_holes",
    "5xx": "http5xx",
    "twice": "cmd_double_effect",
    "MB": "rss_max_mb",
}


def of(results: Sequence[Result], *, calls: int, seeds: int) -> str:
    """Medians over the seeds, the worst of what must be nought, and a last line with the counts."""
    lines = ["", f"| fault | what | {' | '.join(COLUMNS)} | |", f"|---|---|{'---:|' * len(COLUMNS)}---|"]
    for fault in sorted({result.fault.id for result in results}, key=lambda name: int(name[1:])):
        mine = [result for result in results if result.fault.id == fault]
        done = [result for result in mine if not result.skipped]
        cells = [str(len(done))] + [_cell([one.line.get(key) for one in done]) for key in list(COLUMNS.values())[1:]]
        broken = sum(len(one.broken) for one in mine)
        verdict = f"**{broken} broken**" if broken else "holds" if done else f"skipped: {mine[0].skipped}"
        lines.append(f"| {fault} | {mine[0].fault.title} | {' | '.join(cells)} | {verdict} |")
    done = [result for result in results if not result.skipped]
    lines += [
        "",
        f"{len(done)} runs of {len({one.fault.id for one in done})} faults at {calls} calls and {seeds} seeds, "
        f"{len(results) - len(done)} skipped, {sum(len(one.broken) for one in done)} broken invariants in "
        f"{sum(1 for one in done if one.broken)} runs",
    ]
    return "\n".join(lines)


def _cell(values: Sequence[Any]) -> str:
    """The median; with the worst behind it where they differ."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    middle, worst = statistics.median(known), max(known)
    return f"{middle:g}" if middle == worst else f"{middle:g} ({worst:g})"
