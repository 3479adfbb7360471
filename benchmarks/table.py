"""Figures as a table for people and as JSON for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure. `target` is an upper bound of `value`, where there is one, and `most` one of the ratio."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    target: float | None = None
    most: float | None = None

    @property
    def ratio(self) -> float | None:
        return round(self.value / self.baseline, 2) if self.baseline else None

    @property
    def met(self) -> bool | None:
        if self.most is not None and self.ratio is not None:
            return self.ratio <= self.most
        return None if self.target is None else self.value <= self.target

    @property
    def bound(self) -> str:
        """The target as it is printed: a bound of the ratio ends with an x."""
        return _number(self.target) if self.most is None else f"{self.most:g}x"


def printed(rows: Sequence[Row]) -> str:
    width = max(len(row.name) for row in rows)
    lines = [f"{'':{width}}  {'value':>8} {'unit':5} {'baseline':>8} {'ratio':>6} {'target':>7}  met"]
    for row in rows:
        met = {None: "", True: "yes", False: "no"}[row.met]
        lines.append(
            f"{row.name:{width}}  {row.value:8.1f} {row.unit:5} {_number(row.baseline):>8} {_number(row.ratio):>6}"
            f" {row.bound:>7}  {met}".rstrip()
        )
    return "\n".join(lines)


def missed(rows: Sequence[Row]) -> list[str]:
    """What did not reach its target, by how much."""
    return [
        f"{row.name}: {row.value:.1f} {row.unit}{f', {row.ratio:.1f}x' if row.most else ''} (target {row.bound})"
        for row in rows
        if row.met is False
    ]


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Of values in their order; not a number where there are none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else math.nan


def write(rows: Sequence[Row], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    found = [asdict(row) | {"value": round(row.value, 2), "ratio": row.ratio, "met": row.met} for row in rows]
    path.write_text(json.dumps({"rows": found}, indent=2) + "\n")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
