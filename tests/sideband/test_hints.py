"""What is only pushed: words and moving columns, merged while they wait."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from uuid import UUID

import pytest

from calls import feed
from calls.actions.ingest import CallRef
from calls.domain.changes import FloorChanged, PartialText, QuietChanged
from calls.domain.states import Floor
from calls.sideband.hints import WORDS_LIMIT, Hints, Picture
from tests.sideband.desk import at, turn, until

TENANT = UUID(int=1)


def ref(number=1, tenant=TENANT):
    return CallRef(number, UUID(int=number), tenant, "e", 1)


class Heard:
    """An announcer that keeps what it is given."""

    def __init__(self):
        self.told = []

    def put(self, group, message):
        assert message["type"] == "feed.hints"
        self.told.append((group, json.loads(message["frame"])))

    def of(self, stream):
        return [hint for _, frame in self.told if frame["stream"] == stream for hint in frame["hints"]]


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def hints(heard):
    return Hints(heard, 0.01, lambda: True)


def words(offset, text, item="item_1", speaker="agent"):
    return PartialText(item, 1.0, speaker, offset, text)


def grown(*pieces, item="item_1"):
    """The pieces of one text as the session tells them."""
    offset = 0
    for piece in pieces:
        yield words(offset, piece, item)
        offset += len(piece)


def screen(partials):
    """What a browser makes of them."""
    text = ""
    for partial in partials:
        assert partial["offset"] <= len(text), "a screen lacks what comes before"
        text = text[: partial["offset"]] + partial["text"]
    return text


@pytest.mark.parametrize("pushed_after", [(), (1,), (2,), (1, 2), (1, 2, 3), (3,), (4,)])
def test_words_are_the_same_however_they_are_merged(hints, heard, pushed_after):
    picture = Picture(ref())
    for place, hint in enumerate(grown("Of ", "course, ", "which ", "day", "?"), 1):
        columns = picture.take_hint(hint)
        hints.mark(picture)
        if place in pushed_after:
            hints.push()
    hints.push()
    partials = [hint["body"] for hint in heard.of(f"call:{UUID(int=1)}") if hint["kind"] == "partial"]
    assert screen(partials) == "Of course, which day?"
    assert columns == {"last_words": "Of course, which day?", "last_speaker": "agent"}
    assert [hint["body"]["last_words"] for hint in heard.of("tenant")][-1] == "Of course, which day?"


def test_a_text_that_is_told_again_from_within_keeps_its_beginning(hints, heard):
    picture = Picture(ref())
    for hint in (words(0, "Hello Wrold"), words(6, "World")):
        picture.take_hint(hint)
    hints.mark(picture)
    hints.push()
    assert screen([hint["body"] for hint in heard.of(f"call:{UUID(int=1)}")][:1]) == "Hello World"


def test_another_turn_begins_its_own_words():
    picture = Picture(ref())
    picture.take_hint(words(0, "Hello."))
    assert picture.take_hint(words(0, "Hi", "item_2", "caller")) == {"last_words": "Hi", "last_speaker": "caller"}


def test_a_late_transcription_does_not_break_into_the_words_of_the_reply():
    picture = Picture(ref())
    heard = PartialText("item_1", 1.0, "caller", 0, "I was ")
    picture.take_hint(heard)
    picture.take_hint(PartialText("item_2", 2.0, "agent", 0, "Thank you "))
    assert picture.take_hint(PartialText("item_1", 1.0, "caller", 6, "charged twice.")) == {}
    assert picture.take_hint(PartialText("item_2", 2.0, "agent", 10, "for calling."))["last_words"] == (
        "Thank you for calling."
    )
    assert picture.partials["item_1"].text == "I was charged twice."


def test_last_words_are_the_end_of_a_long_text():
    picture = Picture(ref())
    for hint in grown(*["word "] * 100):
        columns = picture.take_hint(hint)
    assert columns["last_words"] == ("word " * 100)[-WORDS_LIMIT:]
    long = turn(text="x" * 500 + "end", speaker="caller")
    assert picture.take_turn(long)["last_words"].endswith("xend")
    assert len(picture.take_turn(long)["last_words"]) == WORDS_LIMIT


def test_a_finished_turn_takes_its_waiting_words_along(hints, heard):
    picture = Picture(ref())
    picture.take_hint(words(0, "Hel"))
    assert picture.take_turn(turn(text="Hello.")) == {"last_words": "Hello.", "last_speaker": "caller"}
    hints.mark(picture)
    hints.push()
    assert [hint["kind"] for hint in heard.of(f"call:{UUID(int=1)}")] == ["row"]


@pytest.mark.parametrize(
    "change", [turn(text=""), turn(kind="tool_call"), turn(speaker="system"), turn(speaker="operator")]
)
def test_what_nobody_said_is_no_last_words(change):
    assert Picture(ref()).take_turn(change) == {}


def test_the_reply_time_is_a_column():
    change = turn(speaker="agent", text="")
    change = replace(change, turn=replace(change.turn, reply_ms=480))
    assert Picture(ref()).take_turn(change) == {"reply_ms": 480}


def test_a_push_holds_one_frame_per_call_and_one_per_tenant(hints, heard):
    for number in (1, 2, 3):
        picture = Picture(ref(number, UUID(int=9) if number == 3 else TENANT))
        for floor in (Floor.LISTENING, Floor.THINKING, Floor.SPEAKING):
            picture.take_hint(FloorChanged(floor, at(1)))
            hints.mark(picture)
        picture.ref.heard_at = at(2)
    hints.push()
    groups = [group for group, _ in heard.told]
    assert groups == [feed.call_group(UUID(int=n)) for n in (1, 2, 3)] + [
        feed.tenant_group(t) for t in (TENANT, UUID(int=9))
    ]
    row = {"floor": "speaking", "last_event_at": "2026-11-20T12:00:02.000Z"}
    assert heard.of(f"call:{UUID(int=1)}") == [{"kind": "row", "body": row}]
    assert heard.of("tenant")[:2] == [{"kind": "row", "body": {"code": str(UUID(int=n))} | row} for n in (1, 2)]


def test_what_was_pushed_is_not_pushed_again(hints, heard):
    picture = Picture(ref())
    picture.take_hint(FloorChanged(Floor.LISTENING, at(1)))
    hints.mark(picture)
    hints.push()
    heard.told.clear()
    hints.push()
    hints.mark(picture)
    hints.push()
    assert heard.told == []


@pytest.mark.asyncio
async def test_the_timer_pushes(hints, heard):
    work = asyncio.create_task(hints.run())
    picture = Picture(ref())
    picture.take_hint(words(0, "Hello"))
    hints.mark(picture)
    await until(lambda: heard.told)
    work.cancel()
    assert heard.of(f"call:{UUID(int=1)}")[0]["body"]["text"] == "Hello"


def test_the_beginning_and_the_end_of_quiet_are_pushed_and_stored():
    picture = Picture(ref())
    assert picture.take_hint(QuietChanged(at(5))) == {"quiet": True, "quiet_since": at(5)}
    assert picture.row == {"quiet_since": "2026-11-20T12:00:05.000Z"}
    assert picture.take_hint(QuietChanged(None)) == {"quiet": False, "quiet_since": None}
    assert picture.row == {"quiet_since": None}


def test_a_page_that_was_opened_in_the_middle_of_a_turn_is_told_it_from_the_beginning(hints, heard, monkeypatch):
    clock = iter([100.0, 100.1, 102.1])
    monkeypatch.setattr("calls.sideband.hints.time.monotonic", lambda: next(clock))
    picture = Picture(ref())
    for hint in grown("Of ", "course, ", "which day"):
        picture.take_hint(hint)
        hints.mark(picture)
        hints.push()
    partials = [hint["body"] for hint in heard.of(f"call:{UUID(int=1)}") if hint["kind"] == "partial"]
    assert [(one["offset"], one["text"]) for one in partials] == [
        (0, "Of "), (3, "course, "), (0, "Of course, which day"),
    ]  # fmt: skip


def test_what_is_kept_for_such_pages_is_bounded(monkeypatch):
    monkeypatch.setattr("calls.sideband.hints.WHOLE_LIMIT", 5)
    picture = Picture(ref())
    for hint in grown("1234", "567", "8"):
        picture.take_hint(hint)
    assert picture.whole == {}
    for number in range(20):
        picture.take_hint(words(0, "abc", f"item_{number}"))
    assert len(picture.whole) == 8
    picture.take_turn(turn("item_19", "abc.", status="completed", transcription="completed"))
    assert "item_19" not in picture.whole


@pytest.mark.asyncio
async def test_a_process_that_may_have_lost_its_calls_tells_nothing_of_them(heard):
    may = []
    hints = Hints(heard, 0.005, lambda: bool(may))
    work = asyncio.create_task(hints.run())
    picture = Picture(ref())
    picture.take_hint(words(0, "Hello"))
    hints.mark(picture)
    await asyncio.sleep(0.05)
    assert heard.told == []
    may.append(1)
    await until(lambda: heard.told)
    work.cancel()
