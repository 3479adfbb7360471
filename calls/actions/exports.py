"""Lets an export begin: who may, and a record of who did. selectors.exports reads the rows."""

from __future__ import annotations

from collections.abc import Sequence

from calls.actions import audit
from calls.domain.actors import Actor
from calls.domain.exports import KINDS
from calls.domain.periods import Period
from calls.domain.roles import Capability
from calls.domain.views import iso


def begin(kind: str, *, file_format: str, period: Period, by: Actor) -> bool:
    """Record an export in the tenant in scope; returns whether numbers may be shown in it.

    To be committed before the first row leaves, so that an interrupted export is on record too.
    """
    for capability in KINDS[kind]:
        by.require(capability)
    audit.record(
        "export.begun",
        by=by,
        kind="export",
        code=kind,
        format=file_format,
        since=iso(period.since),
        until=iso(period.until),
    )
    return by.may(Capability.REVEAL)


def begin_view(kind: str, *, filters: Sequence[str], by: Actor) -> bool:
    """Record that the rows of a page are taken as a file; `filters` are names, never what was looked for."""
    by.require(Capability.SEE)
    audit.record("export.begun", by=by, kind="export", code=kind, format="csv", filters=list(filters))
    return by.may(Capability.REVEAL)
