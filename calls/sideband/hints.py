"""Coalesces what is only pushed, never stored: the words of open turns, and the moving columns of rows.

Pushed at most every `every_s` per call and tenant; whatever arrives in between is merged.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from calls import feed
from calls.actions.ingest import CallRef
from calls.domain.changes import FloorChanged, Hint, PartialText, QuietChanged, TurnChanged
from calls.domain.views import iso
from calls.sideband.announcer import Announcer

WORDS_LIMIT = 160
"""Characters of the last words in a row."""
WHOLE_EVERY_S = 2.0
"""So often a turn that grows is told from its beginning: for pages that were opened in the middle of it."""
WHOLE_LIMIT = 4_000
"""Characters; longer turns are told by their ends only."""
OPEN_LIMIT = 8
"""Turns of a call that are kept from their beginning: the agent's, and utterances that wait for their transcription."""


@dataclass(slots=True)
class Picture:
    """The moving columns of one call, and what is waiting to be pushed of it."""

    ref: CallRef
    rank: float = float("-inf")
    """Place of the turn whose words the row shows: a late word of an earlier turn does not replace them"""
    open_item: str = ""
    words: str = ""
    partials: dict[str, PartialText] = field(default_factory=dict)
    whole: dict[str, str] = field(default_factory=dict)
    """What is known of open turns from their first character on"""
    whole_at: float = float("-inf")
    """When they were told last"""
    row: dict[str, Any] = field(default_factory=dict)

    def take_hint(self, hint: Hint) -> dict[str, Any]:
        """Merge a hint; return the columns that it changes."""
        if isinstance(hint, FloorChanged):
            return self._change({"floor": hint.floor.value})
        if isinstance(hint, QuietChanged):
            self.row["quiet_since"] = iso(hint.since)
            return {"quiet": hint.since is not None, "quiet_since": hint.since}
        columns = self._take_words(hint)
        self._remember(hint)
        known = self.partials.get(hint.item_id)
        if known is not None and known.offset <= hint.offset <= known.offset + len(known.text):
            text = known.text[: hint.offset - known.offset] + hint.text
            hint = PartialText(hint.item_id, hint.rank, hint.speaker, known.offset, text)
        self.partials[hint.item_id] = hint
        return columns

    def _remember(self, hint: PartialText) -> None:
        before = self.whole.pop(hint.item_id, "" if not hint.offset else None)
        if before is None or len(before) < hint.offset:
            return  # its beginning was never heard here
        text = before[: hint.offset] + hint.text
        if len(text) <= WHOLE_LIMIT:
            self.whole[hint.item_id] = text
        if len(self.whole) > OPEN_LIMIT:
            del self.whole[next(iter(self.whole))]

    def due(self, now: float) -> list[PartialText]:
        """The words that wait; now and then those of a growing turn from its beginning."""
        if now - self.whole_at < WHOLE_EVERY_S:
            return list(self.partials.values())
        self.whole_at = now
        return [
            replace(partial, offset=0, text=self.whole[item]) if item in self.whole else partial
            for item, partial in self.partials.items()
        ]

    def _take_words(self, hint: PartialText) -> dict[str, Any]:
        if hint.rank < self.rank:
            return {}
        if self.open_item != hint.item_id or not hint.offset:
            self.rank, self.open_item, self.words = hint.rank, hint.item_id, ""
        self.words = (self.words + hint.text)[-WORDS_LIMIT:]
        return self._change({"last_words": self.words, "last_speaker": hint.speaker})

    def take_turn(self, change: TurnChanged) -> dict[str, Any]:
        """A turn of which more is known; return the columns that it changes."""
        turn = change.turn
        columns: dict[str, Any] = {}
        if turn.status != "open":
            self.partials.pop(turn.item_id, None)
            if turn.transcription != "pending":
                self.whole.pop(turn.item_id, None)
        if turn.kind == "message" and turn.text and turn.speaker in {"caller", "agent"} and turn.rank >= self.rank:
            self.rank = turn.rank
            columns |= {"last_words": turn.text[-WORDS_LIMIT:], "last_speaker": turn.speaker}
        if turn.reply_ms is not None:
            columns["reply_ms"] = turn.reply_ms
        return self._change(columns) if columns else {}

    def _change(self, columns: dict[str, Any]) -> dict[str, Any]:
        self.row |= columns
        return columns


class Hints:
    """One per process: pushes the waiting hints of every call, on a timer."""

    def __init__(self, announcer: Announcer, every_s: float, may_tell: Callable[[], bool]) -> None:
        self._announcer = announcer
        self._may_tell = may_tell
        self._every_s = every_s
        self._waiting: dict[int, Picture] = {}

    def mark(self, picture: Picture) -> None:
        self._waiting[picture.ref.id] = picture

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            if self._waiting and self._may_tell():  # a process that wakes must not speak for calls that it lost
                self.push()

    def push(self) -> None:
        """Announce everything that waits."""
        pictures, self._waiting = self._waiting, {}
        tenants: dict[str, list[dict[str, Any]]] = {}
        now = time.monotonic()
        for picture in pictures.values():
            hints = [{"kind": "partial", "body": _partial_body(partial)} for partial in picture.due(now)]
            if picture.row:
                if picture.ref.heard_at is not None:
                    picture.row["last_event_at"] = iso(picture.ref.heard_at)
                hints.append({"kind": "row", "body": picture.row})
                body = {"code": str(picture.ref.code)} | picture.row
                tenants.setdefault(str(picture.ref.tenant_id), []).append({"kind": "row", "body": body})
            # Words that were pushed need not be repeated: what follows is told from their end on.
            picture.partials, picture.row = {}, {}
            self._announce(feed.call_group(picture.ref.code), f"call:{picture.ref.code}", hints)
        for tenant, rows in tenants.items():
            self._announce(feed.tenant_group(tenant), "tenant", rows)

    def _announce(self, group: str, stream: str, hints: list[dict[str, Any]]) -> None:
        if hints:
            frame = json.dumps({"type": "hint", "stream": stream, "hints": hints}, separators=(",", ":"))
            self._announcer.put(group, {"type": "feed.hints", "stream": stream, "frame": frame})


def _partial_body(partial: PartialText) -> dict[str, Any]:
    return {
        "item_id": partial.item_id,
        "rank": partial.rank,
        "speaker": partial.speaker,
        "offset": partial.offset,
        "text": partial.text,
    }
