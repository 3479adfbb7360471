"""A turn in the making: what is known of one conversation item so far, in whatever order it was told.

Every setter may be called twice and in any order; the status follows from flags, never from arrival.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from uuid import UUID

from calls.domain.changes import Speaker, Transcription, Turn, TurnKind, TurnStatus

TEXT_LIMIT = 100_000
"""Characters of one turn; what comes after is dropped."""
PARTS_LIMIT = 64
STEP_MS = 100
STEPS_LIMIT = 3_000
"""Five minutes of steady talk in one turn; longer ones are replayed in one go from there."""

_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(since: datetime, until: datetime) -> int:
    """Return whole milliseconds, never below zero."""
    return max(0, (until - since) // _MILLISECOND)


@dataclass(slots=True, eq=False)
class Draft:
    item_id: str
    rank: float
    kind: TurnKind
    speaker: Speaker
    started_at: datetime
    born: datetime
    """What `steps` are counted from; started_at may move when playback turns out to have begun later"""
    hidden: bool = False
    """An item that is no turn (a list of tools, an approval): it only holds a place in the order"""
    predecessor: str | None = None
    ended_at: datetime | None = None
    name: str = ""
    tool_call_id: str = ""
    arguments: str = ""
    output: str = ""
    transcription: Transcription | None = None
    response_id: str = ""
    command_id: UUID | None = None
    answers: datetime | None = None
    """When the caller's speech that this turn replies to ended"""
    reply_ms: int | None = None
    heard_text: str | None = None
    heard_ms: int | None = None
    truncated_ms: int | None = None
    worded_at: datetime | None = None
    """When the first words came"""
    item_status: str = ""
    """The provider's last word on it"""
    done: bool = False
    incomplete: bool = False
    cut: bool = False
    deleted: bool = False
    text: str = ""
    shown: Turn | None = None
    """What was last told to the world, but for its steps, which only grow with its text"""
    _parts: dict[int, str] = field(default_factory=dict)
    _finals: tuple[int, ...] = ()
    """Parts whose final words came"""
    _steps: array[int] = field(default_factory=partial(array, "Q"))
    """Milliseconds since `born` and the length of the text by then, in turns: numbers, as a call has hundreds"""

    @classmethod
    def of(cls, turn: Turn) -> Draft:
        """Take up a stored turn again."""
        draft = cls(turn.item_id, turn.rank, turn.kind, turn.speaker, turn.started_at, turn.started_at)
        draft.ended_at = turn.ended_at
        draft.name, draft.tool_call_id = turn.name, turn.tool_call_id
        draft.arguments, draft.output = turn.arguments, turn.output
        draft.transcription, draft.response_id = turn.transcription, turn.response_id
        draft.command_id, draft.reply_ms = turn.command_id, turn.reply_ms
        draft.heard_text, draft.heard_ms = turn.heard_text, turn.heard_ms
        draft.text = turn.text
        draft.worded_at = turn.started_at if turn.text else None
        draft._steps.extend(chain.from_iterable(turn.steps))
        if turn.text:
            draft._parts[0] = turn.text
        if turn.status != "open" and turn.transcription != "pending":
            draft._finals = (0,)
        draft.done = turn.status != "open"
        draft.incomplete = turn.status == "incomplete"
        draft.cut = turn.status == "cut_off"
        draft.deleted = turn.status == "deleted"
        draft.item_status = turn.status if turn.status in ("completed", "incomplete") else ""
        draft.shown = replace(turn, steps=())
        return draft

    @property
    def status(self) -> TurnStatus:
        if self.deleted:
            return "deleted"
        if self.cut:
            return "cut_off"
        if self.incomplete:
            return "incomplete"
        return "completed" if self.done else "open"

    @property
    def worded(self) -> bool:
        """All its words are known."""
        return bool(self._finals)

    def append(self, index: int, delta: str, at: datetime) -> tuple[int, str] | None:
        """Add words to a part. Return (offset, what follows it) of the whole text, or None where that did not
        grow.

        A delta after the final words of its part is late: the final words have it already.
        """
        parts = self._parts
        if index in self._finals or len(self.text) >= TEXT_LIMIT:
            return None
        if parts and (index not in parts or len(parts) > 1):
            return self._append_aside(index, delta, at)
        offset = len(self.text)
        self.text = parts[index] = self.text + delta
        self._step(at)
        return offset, delta

    def _append_aside(self, index: int, delta: str, at: datetime) -> tuple[int, str] | None:
        """The rare way: an item of several parts."""
        if index not in self._parts and len(self._parts) >= PARTS_LIMIT:
            return None
        before = self.text
        self._parts[index] = self._parts.get(index, "") + delta
        self._join()
        self._step(at)
        return (len(before), self.text[len(before) :]) if self.text.startswith(before) else None

    def finish(self, index: int, words: str) -> None:
        """Take the final words of a part. Each final event repeats the others, but some come empty (Azure
        Voice Live) or shortened (after a truncation): the longest wins, whatever the order.
        """
        known = self._parts.get(index)
        if known is None and len(self._parts) >= PARTS_LIMIT:
            return
        if index in self._finals and len(words) <= len(known or ""):
            return
        if not words and known:
            return
        self._parts[index] = words
        if index not in self._finals:
            self._finals += (index,)
        self._join()

    def _join(self) -> None:
        ordered = [self._parts[index] for index in sorted(self._parts)]
        self.text = "\n".join([part for part in ordered if part])[:TEXT_LIMIT]

    def _step(self, at: datetime) -> None:
        steps, length = self._steps, len(self.text)
        now = milliseconds(self.born, at)
        if steps and now - steps[-2] < STEP_MS:
            steps[-1] = length
        elif len(steps) < 2 * STEPS_LIMIT:
            steps.append(now)
            steps.append(length)

    def close(self, at: datetime) -> None:
        self.done = True
        if self.ended_at is None:
            self.ended_at = at

    def news(self) -> Turn | None:
        """The turn as it is, which counts as told from now on; None where nothing is new."""
        turn = self._frozen(())
        if turn == self.shown:
            return None
        self.shown = turn
        return self.freeze()

    def freeze(self) -> Turn:
        return self._frozen(self._told_steps() if self._steps and (self.done or self.cut) else ())

    def _frozen(self, steps: tuple[tuple[int, int], ...]) -> Turn:
        return Turn(
            self.item_id,
            self.rank,
            self.kind,
            self.speaker,
            self.status,
            self.started_at,
            self.ended_at,
            self.text,
            self.heard_text,
            self.heard_ms,
            self.name,
            self.tool_call_id,
            self.arguments,
            self.output,
            self.transcription,
            self.response_id,
            self.reply_ms,
            self.command_id,
            steps,
        )

    def _told_steps(self) -> tuple[tuple[int, int], ...]:
        """Steps from started_at on: words that came before the sound count as there when it began."""
        shift, whole = (self.started_at - self.born) // _MILLISECOND, len(self.text)
        told: dict[int, int] = {}
        for when, length in zip(self._steps[::2], self._steps[1::2], strict=True):
            told[max(0, when - shift)] = min(length, whole)
        return tuple(told.items())
