"""Who may do what."""

from __future__ import annotations

import pytest

from calls.domain.roles import CAPABILITIES, Capability, Role, can

TABLE = {
    "owner": "see hear whisper act approve reveal publish bill manage",
    "admin": "see hear whisper act approve reveal publish bill manage",
    "supervisor": "see hear whisper act approve",
    "analyst": "see bill",
}


@pytest.mark.parametrize("role", Role)
def test_each_role_has_its_capabilities_and_no_more(role: Role) -> None:
    assert {capability.value for capability in CAPABILITIES[role]} == set(TABLE[role].split())
    assert {capability for capability in Capability if can(role, capability)} == CAPABILITIES[role]


@pytest.mark.parametrize("role", ["", "Owner", "root", "\0"])
def test_an_unknown_role_may_nothing(role: str) -> None:
    assert not any(can(role, capability) for capability in Capability)
