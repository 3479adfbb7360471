"""The audit log: who did what. Only ever adds; holds no speech, number or key."""

from __future__ import annotations

from typing import Any

from calls.domain.actors import Actor
from calls.models import AuditEntry


def record(verb: str, *, by: Actor, kind: str, code: object, **detail: Any) -> AuditEntry:
    """Add an entry inside the caller's transaction and tenant scope. `detail` holds small plain values."""
    return AuditEntry.objects.create(
        actor_id=by.user_id,
        actor_label=by.label,
        verb=verb,
        object_kind=kind,
        object_code=str(code),
        detail=detail,
    )
