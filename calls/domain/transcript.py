"""The order of a conversation and what is known of its items. Orders by predecessor, never by arrival."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from calls.domain.changes import Speaker, Turn, TurnChanged, TurnKind
from calls.domain.drafts import Draft
from calls.domain.events import Item

_STEP = 1.0
"""Between neighbours at the end. Inserting takes the midpoint: a float leaves room for 50 inserts in one
place."""

LATEST = 16
"""Items among which words may grow: the agent's turn, and utterances that wait for their transcription"""

_TOOL_CALLS = frozenset({"function_call", "mcp_call"})
_SPEAKERS: dict[str | None, Speaker] = {"user": "caller", "assistant": "agent"}


class Transcript:
    def __init__(self, turns: Iterable[Turn] = ()) -> None:
        self._order = sorted((Draft.of(turn) for turn in turns), key=attrgetter("rank"))
        self.drafts = {draft.item_id: draft for draft in self._order}
        self.authors: dict[str, UUID] = {}
        """Items that our operators' commands create, by id"""
        self.transcription_due = False
        self._waiting: dict[str, list[Draft]] = {}
        """Drafts by the predecessor that nobody has seen yet"""
        self._since_seam: list[Draft] = []
        """Those that were opened since somebody watches again"""
        self._dirty: dict[str, Draft] = {}

    @property
    def last_item_id(self) -> str:
        return next((draft.item_id for draft in reversed(self._order) if not draft.hidden), "")

    @property
    def last_silent_item_id(self) -> str:
        """The latest finished item without sound. Asking for it costs little; a retrieved utterance comes with all its
        audio.
        """
        silent = (
            draft.item_id
            for draft in reversed(self._order)
            if draft.done and not draft.hidden and not draft.deleted
            if draft.kind != "message" or draft.speaker in ("operator", "system")
        )
        return next(silent, "")

    def before(self, draft: Draft) -> str:
        """Return the id of the turn before it, or an empty string."""
        place = self._order.index(draft)
        return next((one.item_id for one in reversed(self._order[:place]) if not one.hidden), "")

    def ordered(self) -> list[Draft]:
        return self._order

    def growing(self) -> list[Draft]:
        """Messages that may still get more words, of the latest LATEST items, in order."""
        return [
            draft
            for draft in self._order[-LATEST:]
            if draft.kind == "message" and draft.text and not draft.hidden and not draft.deleted
            if not draft.done or draft.transcription == "pending"
        ]

    def touch(self, draft: Draft) -> None:
        self._dirty[draft.item_id] = draft

    def changed(self, at: datetime) -> list[TurnChanged]:
        """Return the turns that differ from what was told last, and count them as told."""
        if not self._dirty:
            return []
        told = []
        for draft in self._dirty.values():
            if not draft.hidden and (turn := draft.news()) is not None:
                told.append(TurnChanged(turn, at))
        self._dirty.clear()
        return told

    def open(self, item_id: str, at: datetime, kind: TurnKind, speaker: Speaker) -> Draft:
        """Return the draft of an item; a new one stands at the end, or before those that waited for it."""
        draft = self.drafts.get(item_id)
        if draft is not None:
            return draft
        rank = self._order[-1].rank + _STEP if self._order else _STEP
        draft = Draft(item_id, rank, kind, speaker, at, at)
        self.drafts[item_id] = self._dirty[item_id] = draft
        self._order.append(draft)
        self._since_seam.append(draft)
        if waiting := self._waiting.pop(item_id, None):
            self._move([draft], self._order.index(min(waiting, key=attrgetter("rank"))))
            for follower in waiting:
                self._put_after(follower, draft)
        return draft

    def seam(self) -> None:
        """Nobody watched for a while: what is opened from now on may follow something that was missed."""
        self._since_seam.clear()

    def open_late(self, item_id: str, at: datetime) -> Draft:
        """Return the draft of an utterance of which only the words arrive.

        Where it is new it was made while nobody watched, so it stands before the first turn after the seam that
        nobody knows the predecessor of: most likely its answer.
        """
        known = item_id in self.drafts or item_id in self._waiting
        strays = (one for one in self._since_seam if one.speaker != "caller" and self._strays(one))
        answer = None if known else next(strays, None)
        draft = self.open(item_id, at, "message", "caller")
        if answer is not None:
            self._move([draft], self._order.index(answer))
        return draft

    def _strays(self, draft: Draft) -> bool:
        return draft.predecessor is None or draft.predecessor in self._waiting

    def place(self, draft: Draft, previous: str | None) -> bool:
        """Put a draft after its predecessor, with all that follows it. Return False where nobody has seen
        that one.

        The first predecessor told stays: `item.done` often has none though `item.added` had one. An unseen
        one leaves the draft where it stands until it turns up.
        """
        if previous is None or draft.predecessor is not None or previous == draft.item_id:
            return True
        draft.predecessor = previous
        known = self.drafts.get(previous)
        if known is None:
            self._waiting.setdefault(previous, []).append(draft)
            return False
        self._put_after(draft, known)
        return True

    def unseen(self, item_id: str) -> bool:
        """Somebody names it as a predecessor and nobody has seen it."""
        return item_id in self._waiting

    def expects(self, item_id: str) -> bool:
        """It is known, or follows from what is known."""
        return item_id in self.drafts or item_id in self._waiting or item_id in self.authors

    def _put_after(self, draft: Draft, previous: Draft) -> None:
        order = self._order
        place = order.index(draft)
        if place and order[place - 1] is previous:
            return
        block, ids = [draft], {draft.item_id}
        for follower in order[place + 1 :]:
            if follower.predecessor not in ids:
                break
            block.append(follower)
            ids.add(follower.item_id)
        if previous in block:
            return  # a circle: whoever says so is wrong, and any order is as good
        self._move(block, order.index(previous) + 1)

    def _move(self, block: list[Draft], target: int) -> None:
        """Put a run of neighbours before the draft that now stands at `target`."""
        order = self._order
        start = order.index(block[0])
        del order[start : start + len(block)]
        if target > start:
            target -= len(block)
        left = order[target - 1].rank if target else None
        right = order[target].rank if target < len(order) else None
        order[target:target] = block
        if left is None:
            left = right - _STEP * (len(block) + 1) if right is not None else 0.0
        if right is None:
            right = left + _STEP * (len(block) + 1)
        width = (right - left) / (len(block) + 1)
        for number, draft in enumerate(block, 1):
            draft.rank = left + width * number
            self._dirty[draft.item_id] = draft

    def describe(self, item: Item, at: datetime) -> Draft:
        """Take what an item says of itself: kind, speaker, words, arguments, status. Return its draft."""
        known = item.id in self.drafts
        draft = self.open(item.id, at, "message", _SPEAKERS.get(item.role, "system"))
        self._dirty[item.id] = draft
        if item.type in _TOOL_CALLS:
            draft.kind, draft.speaker = "tool_call", "agent"
        elif item.type == "function_call_output":
            draft.kind, draft.speaker = "tool_output", "system"
            draft.name = draft.name or self._tool_name(item.tool_call_id)
        elif item.type == "message":
            self._describe_message(draft, item, known)
        else:
            draft.hidden = draft.hidden or not known
            return draft
        draft.name = item.name or draft.name
        draft.tool_call_id = item.tool_call_id or draft.tool_call_id
        draft.arguments = item.arguments or draft.arguments
        draft.output = item.output or item.error or draft.output
        if item.error and draft.kind == "tool_call":
            draft.incomplete = True
        self._describe_status(draft, item, at)
        return draft

    def finish(self, draft: Draft, item: Item, at: datetime) -> None:
        """An item that is said to be done is done, even where its status is left out."""
        if item.status != "in_progress" and not draft.hidden and not draft.done:
            draft.close(at)
            self._dirty[draft.item_id] = draft

    def _describe_message(self, draft: Draft, item: Item, known: bool) -> None:
        if item.role in _SPEAKERS:
            draft.speaker = _SPEAKERS[item.role]
        elif item.id in self.authors:
            draft.speaker, draft.command_id = "operator", self.authors[item.id]
        elif not known:
            draft.speaker = "system"
        for index, content in enumerate(item.content):
            if content.text is not None and (content.text or content.kind == "text"):
                draft.finish(index, content.text)
            if content.kind == "audio" and draft.speaker == "caller":
                # The provider calls an utterance complete long before its words are known.
                if content.text:
                    draft.transcription = "completed"
                elif draft.transcription is None and self.transcription_due:
                    draft.transcription = "pending"

    def _describe_status(self, draft: Draft, item: Item, at: datetime) -> None:
        """An item that no response makes is finished when it is there; its status need not say so."""
        status = item.status or ("" if draft.speaker == "agent" else "completed")
        if status == "in_progress" or not status or draft.deleted:
            return
        draft.item_status = status
        if status in ("incomplete", "failed"):
            draft.incomplete = True
        draft.close(at)

    def _tool_name(self, tool_call_id: str | None) -> str:
        if not tool_call_id:
            return ""
        calls = (one for one in reversed(self._order) if one.kind == "tool_call")
        return next((one.name for one in calls if one.tool_call_id == tool_call_id), "")
