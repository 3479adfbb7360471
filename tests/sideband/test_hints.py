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
from calls.sideband.hints import WORDS_KEPT, WORDS_LIMIT, Hints, Picture
from tests.sideband.desk import at, turn, until

TENANT = UUID(int=1)


def ref(number=1, tenant=TENANT):
    return CallRef(number, UUID(int=number), tenant, "e", 1)


class Heard:
    """An announcer that keeps what it is given."""

    def __init__(self):
        self.told = []
        self.heads = []
        self.nobody = set()
        """Groups that nobody follows"""

    def follows(self, group):
        return group not in self.nobody

    def put(self, group, message):
        if message["type"] == "feed.head":
            self.heads.append((group, message["seq"]))
            return
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


def test_last_words_are_the_whole_words_at_the_end_of_a_long_text():
    picture = Picture(ref())
    said = [f"w{n} " for n in range(200)]
    for n, hint in enumerate(grown(*said)):
        shown = picture.take_hint(hint)["last_words"].removeprefix("… ")
        text = "".join(said[: n + 1])
        assert text.endswith(shown)
        assert text[: len(text) - len(shown)][-1:] in {"", " "}
        assert min(len(text), WORDS_KEPT - 5) <= len(shown) <= WORDS_LIMIT
    long = turn(text="x" * 500 + "end", speaker="caller")
    assert picture.take_turn(long)["last_words"] == "… " + "x" * (WORDS_KEPT - 3) + "end"


def test_a_row_does_not_move_on_with_every_word():
    picture = Picture(ref())
    starts = [picture.take_hint(hint)["last_words"][:12] for hint in grown(*[f"w{n} " for n in range(200)])]
    assert len(set(starts[4:])) < 12


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


class Speech:
    """The words of one open turn, as its session knows them."""

    def __init__(self):
        self.text = ""

    def grow(self, picture, hints, text):
        picture.take_hint(words(len(self.text), text))
        self.text += text
        hints.mark(picture)
        hints.push()

    def growing(self):
        return [words(0, self.text)]


def partials_of(heard):
    found = [hint["body"] for hint in heard.of(f"call:{UUID(int=1)}") if hint["kind"] == "partial"]
    return [(one["offset"], one["text"]) for one in found]


def test_now_and_then_a_turn_that_grows_is_told_from_its_beginning(hints, heard, monkeypatch):
    clock = iter([100.0, 100.1, 102.1])
    monkeypatch.setattr("calls.sideband.hints.time.monotonic", lambda: next(clock))
    speech = Speech()
    picture = Picture(ref(), speech.growing)
    for piece in ("Of ", "course, ", "which day"):
        speech.grow(picture, hints, piece)
    assert partials_of(heard) == [(0, "Of "), (3, "course, "), (0, "Of course, which day")]


def test_a_long_turn_is_told_from_its_beginning_to_newcomers_only(hints, heard, monkeypatch):
    monkeypatch.setattr("calls.sideband.hints.WHOLE_LIMIT", 5)
    speech = Speech()
    picture = Picture(ref(), speech.growing)
    speech.text = "1234567"
    speech.grow(picture, hints, "8")
    assert partials_of(heard) == [(7, "8")]
    hints.welcome({picture.group}, [picture])
    hints.push()
    assert partials_of(heard)[1:] == [(0, "12345678")]


def test_what_nobody_follows_is_not_announced(hints, heard):
    heard.nobody = {feed.call_group(UUID(int=1)), feed.tenant_group(TENANT)}
    speech = Speech()
    picture = Picture(ref(), speech.growing)
    for piece in ("Of ", "course, "):
        speech.grow(picture, hints, piece)
    hints.push()
    assert heard.told == []


def test_who_comes_in_the_middle_is_told_all_of_the_moment(hints, heard):
    """Words, columns, and how far the stream goes: what was not announced before is in PostgreSQL."""
    heard.nobody = {feed.call_group(UUID(int=1))}
    speech = Speech()
    picture = Picture(ref(), speech.growing)
    picture.take_hint(FloorChanged(Floor.SPEAKING, at(1)))
    for piece in ("Of ", "course, "):
        speech.grow(picture, hints, piece)
    heard.told.clear()
    heard.nobody.clear()
    picture.ref.seq = 7
    hints.welcome({picture.group}, [picture, Picture(ref(2))])
    speech.grow(picture, hints, "which day")
    assert heard.heads == [(picture.group, 7)]
    assert partials_of(heard) == [(0, "Of course, which day")]
    rows = [hint["body"] for hint in heard.of(f"call:{UUID(int=1)}") if hint["kind"] == "row"]
    assert rows == [{"floor": "speaking", "last_words": "Of course, which day", "last_speaker": "agent"}]
    assert [frame["stream"] for _, frame in heard.told] == [f"call:{UUID(int=1)}", "tenant"]


def test_a_list_that_is_opened_is_told_the_columns_of_all_its_calls(hints, heard):
    pictures = [Picture(ref(number)) for number in (1, 2, 3)]
    group = feed.tenant_group(TENANT)
    heard.nobody = {group} | {picture.group for picture in pictures}
    for picture in pictures[:2]:
        picture.take_hint(FloorChanged(Floor.THINKING, at(1)))
        hints.mark(picture)
    hints.push()
    assert heard.told == []
    heard.nobody.discard(group)
    hints.welcome({group}, pictures)
    hints.push()
    rows = [hint["body"] for hint in heard.of("tenant")]
    assert rows == [{"code": str(UUID(int=number)), "floor": "thinking"} for number in (1, 2)]


def test_a_long_list_is_told_in_portions_the_longest_waiting_first(hints, heard, monkeypatch):
    monkeypatch.setattr("calls.sideband.hints.ROWS_AT_ONCE", 2)
    pictures = [Picture(ref(number)) for number in range(1, 6)]
    told = []

    def push(*changed, floor):
        for number in changed:
            pictures[number - 1].take_hint(FloorChanged(floor, at(1)))
            hints.mark(pictures[number - 1])
        heard.told.clear()
        hints.push()
        told.append([(UUID(hint["body"]["code"]).int, hint["body"]["floor"]) for hint in heard.of("tenant")])

    push(1, 2, 3, 4, 5, floor=Floor.LISTENING)
    push(1, 3, floor=Floor.SPEAKING)
    push(floor=Floor.SPEAKING)
    push(floor=Floor.SPEAKING)
    assert told == [
        [(1, "listening"), (2, "listening")],
        [(3, "speaking"), (4, "listening")],
        [(5, "listening"), (1, "speaking")],
        [],
    ]


def test_a_call_that_was_lost_is_told_of_no_more(hints, heard, monkeypatch):
    monkeypatch.setattr("calls.sideband.hints.ROWS_AT_ONCE", 1)
    pictures = [Picture(ref(number)) for number in (1, 2, 3)]
    for picture in pictures:
        picture.take_hint(FloorChanged(Floor.SPEAKING, at(1)))
        hints.mark(picture)
    hints.forget(pictures[2])
    hints.push()
    hints.forget(pictures[1])
    hints.push()
    assert [hint["body"]["code"] for hint in heard.of("tenant")] == [str(UUID(int=1))]
    assert {frame["stream"] for _, frame in heard.told} == {f"call:{UUID(int=n)}" for n in (1, 2)} | {"tenant"}
