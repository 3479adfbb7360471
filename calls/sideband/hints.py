"""Coalesces what is only pushed, never stored: the words of open turns, and the moving columns of rows.

Pushed at most every `every_s` per call and tenant, to those who follow them; whatever arrives in between is merged.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from calls import feed
from calls.actions.ingest import CallRef
from calls.domain.changes import FloorChanged, Hint, PartialText, QuietChanged, TurnChanged
from calls.domain.views import iso
from calls.sideband.announcer import Announcer

WORDS_LIMIT = 160
"""Characters of the last words in a row. Longer ones keep the words of their last WORDS_KEPT: a row that moved on with
every character could not be read."""
WORDS_KEPT = 80
WHOLE_EVERY_S = 2.0
"""So often a turn that grows is told from its beginning: for pages that a hint did not reach."""
WHOLE_LIMIT = 4_000
"""Characters; longer turns are told so only to a page that has just come."""
ROWS_AT_ONCE = 40
"""Rows of a tenant's list in one push, those that wait longest first. The rest waits, and is merged: a list of a
thousand calls gets some 400 rows a second of each worker, in messages of about 8 KB. Lists of up to so many calls are
told everything at once."""


def latest(text: str) -> str:
    """The text, or the last whole words of a long one."""
    if len(text) <= WORDS_LIMIT:
        return text
    kept = text[-WORDS_KEPT:]
    return f"… {kept.partition(' ')[2] or kept}"


@dataclass(slots=True)
class Picture:
    """The moving columns of one call, and what is waiting to be pushed of it."""

    ref: CallRef
    growing: Callable[[], list[PartialText]] = list
    """The words of open turns, each from its beginning"""
    followed: bool = True
    """Somebody follows the call itself, as was known at the last push"""
    rank: float = float("-inf")
    """Place of the turn whose words the row shows: a late word of an earlier turn does not replace them"""
    open_item: str = ""
    words: str = ""
    partials: dict[str, PartialText] = field(default_factory=dict)
    whole_at: float = float("-inf")
    """When growing turns were told last from their beginning"""
    row: dict[str, Any] = field(default_factory=dict)
    """The moving columns as they are now"""
    of_call: dict[str, None] = field(default_factory=dict)
    """Columns that the followers of the call were not told of"""
    of_list: dict[str, None] = field(default_factory=dict)
    """Columns that the followers of the tenant were not told of"""
    group: str = ""
    list_group: str = ""

    def __post_init__(self) -> None:
        self.group = feed.call_group(self.ref.code)
        self.list_group = feed.tenant_group(self.ref.tenant_id)

    def take_hint(self, hint: Hint) -> dict[str, Any]:
        """Merge a hint; return the columns that it changes."""
        if isinstance(hint, FloorChanged):
            return self._change({"floor": hint.floor.value})
        if isinstance(hint, QuietChanged):
            self._change({"quiet_since": iso(hint.since)})
            return {"quiet": hint.since is not None, "quiet_since": hint.since}
        if self.followed:
            self._merge(hint)
        return self._take_words(hint)

    def _merge(self, hint: PartialText) -> None:
        known = self.partials.get(hint.item_id)
        if known is not None and known.offset <= hint.offset <= known.offset + len(known.text):
            text = known.text[: hint.offset - known.offset] + hint.text
            hint = PartialText(hint.item_id, hint.rank, hint.speaker, known.offset, text)
        self.partials[hint.item_id] = hint

    def due(self, now: float) -> list[PartialText]:
        """The words that wait; now and then those of a growing turn from its beginning."""
        if not self.partials or now - self.whole_at < WHOLE_EVERY_S:
            return list(self.partials.values())
        self.whole_at = now
        whole = {words.item_id: words for words in self.growing() if len(words.text) <= WHOLE_LIMIT}
        return [whole.get(item, words) for item, words in self.partials.items()]

    def _take_words(self, hint: PartialText) -> dict[str, Any]:
        if hint.rank < self.rank:
            return {}
        if self.open_item != hint.item_id or not hint.offset:
            self.rank, self.open_item, self.words = hint.rank, hint.item_id, ""
        self.words = latest(self.words + hint.text)
        return self._change({"last_words": self.words, "last_speaker": hint.speaker})

    def take_turn(self, change: TurnChanged) -> dict[str, Any]:
        """A turn of which more is known; return the columns that it changes."""
        turn = change.turn
        columns: dict[str, Any] = {}
        if turn.status != "open":
            self.partials.pop(turn.item_id, None)
        if turn.kind == "message" and turn.text and turn.speaker in {"caller", "agent"} and turn.rank >= self.rank:
            self.rank = turn.rank
            columns |= {"last_words": latest(turn.text), "last_speaker": turn.speaker}
        if turn.reply_ms is not None:
            columns["reply_ms"] = turn.reply_ms
        return self._change(columns) if columns else {}

    def _change(self, columns: dict[str, Any]) -> dict[str, Any]:
        self.row.update(columns)
        changed = dict.fromkeys(columns)
        self.of_call.update(changed)
        self.of_list.update(changed)
        return columns

    def welcome(self) -> None:
        """Somebody follows the call from now on: tell all that is known of the moment."""
        self.followed = True
        self.partials = {words.item_id: words for words in self.growing()}
        self.of_call = dict.fromkeys(self.row)

    def told(self, columns: Iterable[str]) -> dict[str, Any]:
        """Columns as they are now, and when the call was last heard."""
        row = {name: self.row[name] for name in columns}
        if row and self.ref.heard_at is not None:
            row["last_event_at"] = iso(self.ref.heard_at)
        return row


class Hints:
    """One per process: pushes the waiting hints of every call, on a timer."""

    def __init__(self, announcer: Announcer, every_s: float, may_tell: Callable[[], bool]) -> None:
        self._announcer = announcer
        self._may_tell = may_tell
        self._every_s = every_s
        self._waiting: dict[int, Picture] = {}
        self._lists: dict[str, dict[int, Picture]] = {}
        """Rows that wait, by the group of their tenant; the longest first"""

    def mark(self, picture: Picture) -> None:
        self._waiting[picture.ref.id] = picture

    def forget(self, picture: Picture) -> None:
        """The call is somebody else's now, and so is its picture."""
        self._waiting.pop(picture.ref.id, None)
        self._lists.get(picture.list_group, {}).pop(picture.ref.id, None)

    def welcome(self, groups: Collection[str], pictures: Iterable[Picture]) -> None:
        """Pages have begun to follow these groups, and read PostgreSQL before: what changed since they may lack."""
        for picture in pictures:
            if picture.group in groups:
                picture.welcome()
                self.mark(picture)
                if picture.ref.seq:
                    stream = f"call:{picture.ref.code}"
                    message = feed.head_message(stream, picture.ref.stream_epoch, picture.ref.seq)
                    self._announcer.put(picture.group, message)
            if picture.list_group in groups:
                picture.of_list = dict.fromkeys(picture.row)
                self.mark(picture)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            # A process that wakes must not speak for calls that it lost.
            if (self._waiting or self._lists) and self._may_tell():
                self.push()

    def push(self) -> None:
        """Announce what waits and is followed."""
        pictures, self._waiting = self._waiting, {}
        follows = self._announcer.follows
        now = time.monotonic()
        for picture in pictures.values():
            picture.followed = follows(picture.group)
            if picture.followed:
                hints = [{"kind": "partial", "body": _partial_body(partial)} for partial in picture.due(now)]
                if row := picture.told(picture.of_call):
                    hints.append({"kind": "row", "body": row})
                self._announce(picture.group, f"call:{picture.ref.code}", hints)
            # Words that were pushed need not be repeated: what follows is told from their end on.
            picture.partials.clear()
            picture.of_call.clear()
            if picture.of_list:
                self._lists.setdefault(picture.list_group, {})[picture.ref.id] = picture
        for group, waiting in list(self._lists.items()):
            self._push_list(group, waiting, followed=follows(group))

    def _push_list(self, group: str, waiting: dict[int, Picture], *, followed: bool) -> None:
        taken = list(waiting.values())[: ROWS_AT_ONCE if followed else None]
        rows = []
        for picture in taken:
            del waiting[picture.ref.id]
            if followed:
                body = {"code": str(picture.ref.code)} | picture.told(picture.of_list)
                rows.append({"kind": "row", "body": body})
            picture.of_list.clear()
        if not waiting:
            del self._lists[group]
        self._announce(group, "tenant", rows)

    def _announce(self, group: str, stream: str, hints: list[dict[str, Any]]) -> None:
        if hints:
            self._announcer.put(group, feed.hints_message(stream, hints))


def _partial_body(partial: PartialText) -> dict[str, Any]:
    return {
        "item_id": partial.item_id,
        "rank": partial.rank,
        "speaker": partial.speaker,
        "offset": partial.offset,
        "text": partial.text,
    }
