"""A turn in the making: parts, final words, steps, bounds."""

from __future__ import annotations

from datetime import timedelta

from calls.domain.drafts import STEPS_LIMIT, TEXT_LIMIT, Draft, milliseconds
from tests.domain.talk import START


def draft() -> Draft:
    return Draft("item_a", 1.0, "message", "agent", START, START)


def test_parts_are_joined_in_their_order() -> None:
    turn = draft()

    assert turn.append(1, "second", START) == (0, "second")
    assert turn.append(1, "!", START) == (6, "!")
    assert turn.append(2, "third", START) == (7, "\nthird")
    assert turn.append(0, "first", START) is None

    assert turn.text == "first\nsecond!\nthird"


def test_a_late_delta_adds_nothing_to_final_words() -> None:
    turn = draft()
    turn.append(0, "Hel", START)
    turn.finish(0, "Hello.")

    assert turn.append(0, "lo.", START) is None
    assert turn.text == "Hello."


def test_of_two_final_texts_the_longer_one_stays() -> None:
    turn = draft()

    turn.finish(0, "Hello there.")
    turn.finish(0, "Hello")

    assert turn.text == "Hello there."


def test_final_words_that_come_empty_leave_what_is_known() -> None:
    turn = draft()
    turn.append(0, "Hel", START)

    turn.finish(0, "")
    turn.append(0, "lo", START)

    assert turn.text == "Hello"


def test_final_words_replace_a_longer_guess() -> None:
    turn = draft()
    turn.append(0, "Good mourning", START)

    turn.finish(0, "Good day")

    assert turn.text == "Good day"


def test_a_turn_is_bounded() -> None:
    turn = draft()
    for number in range(STEPS_LIMIT + 10):
        turn.append(0, "x" * 50, START + timedelta(seconds=number))
    for number in range(1, 100):
        turn.finish(number, "y")
    turn.close(START)

    assert len(turn.text) <= TEXT_LIMIT + 50
    assert len(turn.freeze().steps) <= STEPS_LIMIT


def test_steps_are_a_tenth_of_a_second_apart() -> None:
    turn = draft()
    for number in range(10):
        turn.append(0, "x", START + timedelta(milliseconds=30 * number))
    turn.close(START)

    assert turn.freeze().steps == ((0, 4), (120, 8), (240, 10))


def test_a_stored_turn_comes_back_as_it_was() -> None:
    turn = draft()
    turn.append(0, "Hello.", START)
    turn.finish(0, "Hello.")
    turn.close(START + timedelta(seconds=1))
    turn.reply_ms, turn.response_id = 300, "resp_1"

    assert Draft.of(turn.freeze()).freeze() == turn.freeze()


def test_news_are_told_once_with_their_steps() -> None:
    turn = draft()
    turn.append(0, "Hello", START + timedelta(milliseconds=150))
    opened = turn.news()
    assert opened is not None
    assert opened.steps == ()
    assert turn.news() is None

    turn.close(START + timedelta(seconds=1))
    closed = turn.news()
    assert closed == turn.freeze()
    assert closed.steps == ((150, 5),)
    assert turn.news() is None

    turn.append(0, ", you", START + timedelta(seconds=2))
    grown = turn.news()
    assert grown is not None
    assert grown.steps == ((150, 5), (2000, 10))
    assert Draft.of(grown).news() is None


def test_time_never_runs_backwards() -> None:
    assert milliseconds(START, START - timedelta(seconds=1)) == 0
