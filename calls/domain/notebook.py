"""Where a session writes what became true, until it is taken away after each input. Decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from calls.domain.changes import Change, Hint, NoteAdded, NoteKind, PartialText, Turn
from calls.domain.drafts import Draft
from calls.domain.events import ProviderFaultInfo, Tokens
from calls.domain.transcript import Transcript
from calls.domain.usage import Ledger

ODDITIES_LIMIT = 50
"""Distinct oddities that are noted; a hostile peer could invent types for ever."""


class Notebook:
    def __init__(self, model: str, transcription_model: str, turns: Iterable[Turn]) -> None:
        self.changes: list[Change] = []
        self.hints: list[Hint] = []
        self.oddities: Counter[str] = Counter()
        self.transcript = Transcript(turns)
        self.transcription_model = transcription_model
        self._model = model
        self._ledger = Ledger()

    def told(self, at: datetime) -> tuple[Change, ...]:
        """Take away all that became true since the last time: rows first, then hints."""
        if not self.changes and not self.hints:
            return tuple(self.transcript.changed(at))
        told = (*self.changes, *self.transcript.changed(at), *self.hints)
        self.changes.clear()
        self.hints.clear()
        return told

    def flush_turns(self, at: datetime) -> None:
        """Let the turns that changed so far come before whatever is written next."""
        self.changes.extend(self.transcript.changed(at))

    def note(self, kind: NoteKind, at: datetime, /, **body: object) -> None:
        """Empty values are left out."""
        self.changes.append(NoteAdded(kind, at, {key: value for key, value in body.items() if value != ""}))

    def oddity(self, at: datetime, kind: str, what: str = "") -> None:
        """Count something that should not be; note only the first of its kind."""
        key = f"{kind}: {what}" if what else kind
        if key not in self.oddities and len(self.oddities) >= ODDITIES_LIMIT:
            key = "others"
        self.oddities[key] += 1
        if self.oddities[key] == 1:
            self.note("oddity", at, kind=kind, type=what)

    def grow(self, draft: Draft, index: int, delta: str, at: datetime) -> None:
        """Add words to an open turn: a hint, no row."""
        grown = draft.append(index, delta, at)
        if grown is not None:
            self.hints.append(PartialText(draft.item_id, draft.rank, draft.speaker, *grown))

    def bill(
        self,
        kind: Literal["response", "transcription"],
        ref_id: str,
        at: datetime,
        tokens: Tokens | None = None,
        seconds: float | None = None,
    ) -> None:
        model = self._model if kind == "response" else self.transcription_model
        record = self._ledger.record(kind, ref_id, at, model=model, tokens=tokens, seconds=seconds)
        if record is not None:
            self.changes.append(record)


def words_of(fault: ProviderFaultInfo | None) -> dict[str, str]:
    """Return a fault as the body of a note."""
    if fault is None:
        return {}
    return {"type": fault.type, "code": fault.code, "message": fault.message, "param": fault.param}
