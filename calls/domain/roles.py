"""Roles and what each may do, as one table.

An admin may do all that an owner may, billing included: who sets prices and budgets must see what they amount
to. An analyst sees and bills but never hears, acts or reveals a number. Whoever sees calls also sees what each of them
and today's together cost, for a supervisor judges calls by it; BILL opens the reports and exports of usage.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    ANALYST = "analyst"


class Capability(StrEnum):
    SEE = "see"
    HEAR = "hear"
    WHISPER = "whisper"
    ACT = "act"
    APPROVE = "approve"
    REVEAL = "reveal"
    PUBLISH = "publish"
    BILL = "bill"
    MANAGE = "manage"


_SUPERVISOR = frozenset({Capability.SEE, Capability.HEAR, Capability.WHISPER, Capability.ACT, Capability.APPROVE})
CAPABILITIES: Mapping[Role, frozenset[Capability]] = {
    Role.OWNER: frozenset(Capability),
    Role.ADMIN: frozenset(Capability),
    Role.SUPERVISOR: _SUPERVISOR,
    Role.ANALYST: frozenset({Capability.SEE, Capability.BILL}),
}


def can(role: str, capability: Capability) -> bool:
    """False for a role that the table does not have."""
    return role in set(Role) and capability in CAPABILITIES[Role(role)]
