"""The first four steps of a newcomer, by role: real things to do, ticked off by what is on record. Pure data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from calls.domain.roles import Role

NEW_FOR = timedelta(days=30)
"""A tenant is new for so long, and its members are shown the way"""


class Deed(StrEnum):
    """What a member may have done; selectors.guide tells which."""

    OPENED_LIVE = "opened_live"
    OPENED_PAST = "opened_past"
    OPENED_USAGE = "opened_usage"
    OPENED_CALLS = "opened_calls"
    OPENED_CONNECT = "opened_connect"
    HELPED = "helped"
    STOPPED = "stopped"
    PUBLISHED = "published"
    HEARD = "heard"
    INVITED = "invited"
    EXPORTED = "exported"


VISITS = frozenset({deed for deed in Deed if deed.startswith("opened_")})
"""Deeds that leave no other trace than a note at the user"""
DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Step:
    deed: Deed
    title: str
    hint: str
    page: str
    """Name of the address where it is done"""


_ADMIN = (
    Step(Deed.PUBLISHED, "Change an agent", "Write new instructions for one and publish them.", "agents"),
    Step(Deed.HEARD, "See a call use them", "The next call of this agent carries the new version.", "live"),
    Step(Deed.INVITED, "Add a colleague", "Members, with a role for each.", "members"),
    Step(Deed.OPENED_CONNECT, "Connect your own agent", "The exact lines to paste.", "connect"),
)
STEPS: Mapping[str, tuple[Step, ...]] = {
    Role.OWNER: _ADMIN,
    Role.ADMIN: _ADMIN,
    Role.SUPERVISOR: (
        Step(Deed.OPENED_LIVE, "Open the call that needs you", "It stands first in the list.", "live"),
        Step(Deed.HELPED, "Help it", "Write “offer a callback” under Inform: only the agent hears it.", "live"),
        Step(Deed.STOPPED, "Stop or end one", "Stop talking, or Hang up, at the foot of a call.", "live"),
        Step(Deed.OPENED_PAST, "Read how one went", "Open a finished call: every word is kept.", "calls"),
    ),
    Role.ANALYST: (
        Step(Deed.OPENED_USAGE, "See what yesterday cost", "By model and by agent.", "usage"),
        Step(Deed.EXPORTED, "Download it", "Calls, transcripts or usage, as a file.", "exports"),
        Step(Deed.OPENED_CALLS, "Find a call", "By its words, its agent, its day.", "calls"),
        Step(Deed.OPENED_PAST, "Read how one went", "Open a finished call: every word is kept.", "calls"),
    ),
}


def steps(role: str) -> tuple[Step, ...]:
    return STEPS.get(role, ())


def done(role: str, deeds: Collection[Deed]) -> bool:
    return all(step.deed in deeds for step in steps(role))
