"""What a reader of the Live page asked to see: read from the address, matched against rows. Mirrored by
js/live/narrow.js, which does the same while one types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from calls.web import words

NEEDLE_LIMIT = 100
"""Characters looked for; a longer address is cut, not refused"""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Empty values let everything through."""

    state: str = ""
    """Key of a face"""
    agent: str = ""
    need: bool = False
    needle: str = ""

    def shows(self, row: Mapping[str, Any], *, needs_you: bool) -> bool:
        found = " ".join(str(row.get(key) or "") for key in ("from", "to", "agent", "last_words"))
        return (
            (not self.state or words.face(row).key == self.state)
            and (not self.agent or row.get("agent") == self.agent)
            and (needs_you or not self.need)
            and self.needle.lower() in found.lower()
        )

    @property
    def query(self) -> str:
        """The address' query that asks for this; empty values are left out."""
        given = {"state": self.state, "agent": self.agent, "need": "1" if self.need else "", "q": self.needle}
        return urlencode({key: value for key, value in given.items() if value})

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """(name, words, query without it) of each filter that is set."""
        shown = {
            "state": words.FACES[self.state].word if self.state else "",
            "agent": self.agent,
            "need": "Needs you" if self.need else "",
            "q": f"“{self.needle}”" if self.needle else "",
        }
        return [(name, text, self.without(name).query) for name, text in shown.items() if text]

    def without(self, name: str) -> Narrowed:
        """The same with one filter less, by its name in the address."""
        match name:
            case "state":
                return replace(self, state="")
            case "agent":
                return replace(self, agent="")
            case "need":
                return replace(self, need=False)
            case _:
                return replace(self, needle="")


def read(given: QueryDict) -> Narrowed:
    """From an address; what cannot be meant is ignored."""
    state = given.get("state", "")
    return Narrowed(
        state=state if state in words.FACES else "",
        agent=given.get("agent", "")[:NEEDLE_LIMIT],
        need=given.get("need", "") == "1",
        needle=given.get("q", "").strip()[:NEEDLE_LIMIT],
    )
