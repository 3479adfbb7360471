"""The collection of what became true."""

from __future__ import annotations

from calls.domain.changes import NoteAdded, PartialText, TurnChanged
from calls.domain.events import ProviderFaultInfo
from calls.domain.notebook import Notebook, words_of
from tests.domain.talk import START


def test_rows_come_before_hints_and_are_taken_away_once() -> None:
    book = Notebook("m", "", ())
    draft = book.transcript.open("item_a", START, "message", "agent")
    book.grow(draft, 0, "Hi", START)
    book.note("keypad", START, key="5", detail="")

    told = book.told(START)

    assert [type(change) for change in told] == [NoteAdded, TurnChanged, PartialText]
    assert told[0] == NoteAdded("keypad", START, {"key": "5"})
    assert book.told(START) == ()


def test_a_fault_is_told_in_the_providers_words() -> None:
    assert words_of(None) == {}
    assert words_of(ProviderFaultInfo("t", "c", "m", "p")) == {
        "type": "t",
        "code": "c",
        "message": "m",
        "param": "p",
    }
