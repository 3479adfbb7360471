"""What a person looks for in the history of calls, as data. Knows no clock and no database."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from uuid import UUID

from calls.domain.periods import ALWAYS, Period
from calls.exceptions import InvalidInput

TEXT_MOST = 200
"""Characters of what is looked for in transcripts"""
LONGEST_S = 24 * 3600

_LENGTH = re.compile(r"(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,5})", re.ASCII)


class Outcome(StrEnum):
    """How a call stands, in the words of its badge."""

    LIVE = "live"
    ENDED = "ended"
    FAILED = "failed"
    REFUSED = "refused"
    MISSED = "missed"


class Mark(StrEnum):
    """What stands out in a call."""

    INTERRUPTED = "interrupted"
    """a reply was cut off by the caller"""
    TOOL_FAILED = "tool_failed"
    """its last tool call failed"""
    ASKED = "asked"
    """the caller asked for a person"""
    GAP = "gap"
    """a stretch was not watched"""
    INCOMPLETE = "incomplete"
    """figures of its usage are missing"""


@dataclass(frozen=True, slots=True)
class Filters:
    """All of them must hold. A default value does not filter."""

    text: str = ""
    """Words of one turn, in the syntax of web searches"""
    outcome: Outcome | None = None
    reason: str = ""
    agent: UUID | None = None
    version: int | None = None
    caller: str = ""
    dialled: str = ""
    shortest: int | None = None
    """Seconds; a call that runs still has no length"""
    longest: int | None = None
    period: Period = ALWAYS
    """When the call began"""
    mark: Mark | None = None

    def used(self) -> list[str]:
        """Names of those that filter."""
        blank = Filters()
        return [one.name for one in fields(self) if getattr(self, one.name) != getattr(blank, one.name)]

    def without(self, name: str) -> Filters:
        return replace(self, **{name: getattr(Filters(), name)})


def length(text: str, field: str) -> int | None:
    """Seconds of `90`, `1:30` or `1:04:12`; None for nothing. Raises InvalidInput."""
    if not text:
        return None
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise InvalidInput("is neither seconds (90) nor minutes and seconds (1:30)", field)
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return min(LONGEST_S, hours * 3600 + minutes * 60 + seconds)
