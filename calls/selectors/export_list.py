"""The exports of a tenant, newest first. Reads only."""

from __future__ import annotations

from calls.models import Export

LISTED = 50


def latest() -> list[Export]:
    return list(Export.objects.select_related("by").order_by("-asked_at")[:LISTED])
