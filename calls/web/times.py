"""Lengths of time as people read them. js/lib/format.js says the same."""

from __future__ import annotations


def took(ms: float | str | None) -> str:
    """`620 ms`, `1.62 s`, `1:04`: one unit per size, never mixed."""
    if not isinstance(ms, int | float):
        return ""
    if ms < 1000:
        return f"{round(ms)} ms"
    return f"{ms / 1000:.2f} s" if ms < 60_000 else clock(ms / 1000)


def clock(seconds: float) -> str:
    """`4:12` or `1:04:12`."""
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
