"""Reads off a session's changes what may need a person, so that a row can say it. Judges nothing: attention.py does.

Looks at what became true anyway, so an event that changes nothing costs nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from calls.domain.changes import Change, CommandChanged, NoteAdded, Signs, SignsChanged, Turn, TurnChanged
from calls.domain.phrases import asks_for_person, tool_failed
from calls.domain.states import CommandState

NO_SIGNS = Signs()


class Lookout:
    """`signs` is what is known so far; a former owner's are taken up."""

    def __init__(self, signs: Signs = NO_SIGNS) -> None:
        self.signs = signs
        self._judged: set[str] = set()
        """Items that were read: a turn may be told several times, as its place or its times become known"""

    def look(self, changes: Iterable[Change], at: datetime) -> SignsChanged | None:
        """Return the signs where these changes added one."""
        before = self.signs
        for change in changes:
            if isinstance(change, TurnChanged):
                self._turn(change.turn, at)
            elif isinstance(change, NoteAdded):
                self._note(change, at)
            elif isinstance(change, CommandChanged):
                self._command(change, at)
        return None if self.signs == before else SignsChanged(self.signs, at)

    def _turn(self, turn: Turn, at: datetime) -> None:
        if turn.status in {"open", "deleted"} or turn.item_id in self._judged:
            return
        if turn.kind == "message":
            if turn.speaker == "caller" and turn.text and turn.transcription != "pending":
                self._judged.add(turn.item_id)
                if asks_for_person(turn.text):
                    self.signs = replace(self.signs, asked_for_person_at=at)
            return
        broken = turn.kind == "tool_call" and turn.status == "incomplete"
        if turn.output or turn.kind == "tool_output":
            self._judged.add(turn.item_id)
            failed = broken or tool_failed(turn.output)
            self.signs = replace(self.signs, tool_failed_at=at if failed else None)

    def _note(self, note: NoteAdded, at: datetime) -> None:
        if note.kind == "interrupted" and note.body.get("by") == "caller":
            self.signs = replace(self.signs, interruptions=self.signs.interruptions + 1, interrupted_at=at)
        elif note.kind == "provider_error" and note.body.get("type") == "tool_failed":
            self.signs = replace(self.signs, tool_failed_at=at)

    def _command(self, change: CommandChanged, at: datetime) -> None:
        if change.state is CommandState.CONFIRMED:
            self.signs = replace(self.signs, helped_at=at, unconfirmed_at=None)
        elif change.state is CommandState.NOT_CONFIRMED:
            self.signs = replace(self.signs, unconfirmed_at=at)
