"""What stands around every page of an agent: the list of all of them, and the head of the one that is open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from calls.models import Agent
from calls.selectors import agents as selectors
from calls.web.access import TenantRequest


def frame(
    request: TenantRequest, rows: Sequence[selectors.Listed] | None = None, *, agent: Agent | None = None
) -> dict[str, Any]:
    """Context of the list and of the head."""
    rows = selectors.listed() if rows is None else rows
    return {
        "member": request.member,
        "section": "agents",
        "rows": rows,
        "agent": agent,
        "row": next((row for row in rows if agent and row.agent.pk == agent.pk), None),
    }
