"""Who asks: a member of a tenant, or the system itself. Every action takes one as `by`."""

from __future__ import annotations

from dataclasses import dataclass

from calls.domain.roles import Capability, can
from calls.exceptions import NotAllowed


@dataclass(frozen=True, slots=True)
class Actor:
    """`user_id` is None for the system and the command line, which may do everything."""

    user_id: int | None
    label: str
    """E-mail address, or `system`"""
    role: str = ""

    def may(self, capability: Capability) -> bool:
        return self.user_id is None or can(self.role, capability)

    def require(self, capability: Capability) -> None:
        """Raises NotAllowed, naming the capability."""
        if not self.may(capability):
            raise NotAllowed(capability.value)


SYSTEM = Actor(None, "system")
