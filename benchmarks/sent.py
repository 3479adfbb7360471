"""What a source sent, from its own files: to count it, to time it, to send it again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.source.conversations import Conversation
from benchmarks.source.playing import SENT

DELTAS = (b"audio_transcript.delta", b"audio_transcription.delta")
BLOCK = SENT.size * 4096


@dataclass(frozen=True, slots=True)
class Frame:
    at: float
    call: int
    raw: bytes
    """The frame's own JSON, as it went over the socket"""


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of speech."""

    call_id: str
    item: str
    upto: int
    """Characters of the item's text with it"""
    at: float
    """When it was sent"""


@dataclass(frozen=True, slots=True)
class Sent:
    """The files of one source."""

    directory: Path
    conversations: Sequence[Conversation]

    def lines(self, kind: str) -> list[dict[str, Any]]:
        with (self.directory / "ledger.jsonl").open("rb") as ledger:
            return [line for raw in ledger if raw.endswith(b"\n") and (line := json.loads(raw))["kind"] == kind]

    def records(self, since: float, until: float) -> Iterator[tuple[float, int, int, int]]:
        """(wall time, number of the call, index of the frame, microseconds that it came late), in order."""
        with (self.directory / "sent.bin").open("rb") as file:
            while block := file.read(BLOCK):
                whole = len(block) - len(block) % SENT.size
                yield from (one for one in SENT.iter_unpack(block[:whole]) if since <= one[0] <= until)

    def played(self) -> dict[int, tuple[str, int]]:
        """Number of a call → its call_id and the number of its conversation."""
        rings = (line for line in self.lines("mark") if line["state"] == "ringing")
        return {line["number"]: (line["call_id"], line["conversation"]) for line in rings}

    def frames(self, since: float, until: float) -> Iterator[Frame]:
        played = self.played()
        for at, number, place, _ in self.records(since, until):
            yield Frame(at, number, self.conversations[played[number][1]].frames[place])

    def words(self, since: float, until: float, call_ids: Set[str]) -> Iterator[Word]:
        """Every piece of speech of these calls."""
        followed = {number: found for number, found in self.played().items() if found[0] in call_ids}
        known = {conversation: _ends(self.conversations[conversation]) for _, conversation in followed.values()}
        for at, number, place, _ in self.records(since, until):
            if number in followed:
                call_id, conversation = followed[number]
                if (found := known[conversation].get(place)) is not None:
                    yield Word(call_id, *found, at)

    def answers(self) -> list[float]:
        """Seconds from each delivery to its answer, tries that failed included, sorted."""
        rang = self._rang()
        taken = {line["call_id"]: line["at"] for line in self.lines("webhook") if line["status"] == 200}
        return sorted(at - rang[call_id] for call_id, at in taken.items())

    def accepts(self) -> tuple[list[float], int]:
        """Seconds from each delivery to the accept of its call, sorted; and how many calls were never accepted."""
        rang = self._rang()
        verbs = [line for line in self.lines("http") if line["verb"] == "accept" and line["status"] == 200]
        accepted = {line["call_id"]: line["at"] for line in reversed(verbs)}
        return sorted(at - rang[call_id] for call_id, at in accepted.items()), len(rang) - len(accepted)

    def _rang(self) -> dict[str, float]:
        return {line["call_id"]: line["at"] for line in self.lines("mark") if line["state"] == "ringing"}


def _ends(conversation: Conversation) -> dict[int, tuple[str, int]]:
    """Index of each frame with a piece of speech → its item, and how many characters of it are known with it."""
    found: dict[int, tuple[str, int]] = {}
    so_far: dict[str, int] = {}
    for place, raw in enumerate(conversation.frames):
        if any(kind in raw[:120] for kind in DELTAS):
            event = json.loads(raw)
            item = event["item_id"]
            so_far[item] = so_far.get(item, 0) + len(event["delta"])
            found[place] = item, so_far[item]
    return found
