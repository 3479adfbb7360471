"""Figures as a table for people and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure. `target` is an upper bound of `value`, where there is one."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    target: float | None = None

    @property
    def ratio(self) -> float | None:
        return round(self.value / self.baseline, 2) if self.baseline else None

    @property
    def met(self) -> bool | None:
        return None if self.target is None else self.value <= self.target


def printed(rows: Sequence[Row]) -> str:
    width = max(len(row.name) for row in rows)
    lines = [f"{'':{width}}  {'value':>8} {'unit':5} {'baseline':>8} {'ratio':>6} {'target':>7}  met"]
    for row in rows:
        met = {None: "", True: "yes", False: "no"}[row.met]
        lines.append(
            f"{row.name:{width}}  {row.value:8.1f} {row.unit:5} {_number(row.baseline):>8} {_number(row.ratio):>6}"
            f" {_number(row.target):>7}  {met}".rstrip()
        )
    return "\n".join(lines)


def write(rows: Sequence[Row], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    found = [asdict(row) | {"value": round(row.value, 2), "ratio": row.ratio, "met": row.met} for row in rows]
    path.write_text(json.dumps({"rows": found}, indent=2) + "\n")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
