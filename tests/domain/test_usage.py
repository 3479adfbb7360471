"""Token arithmetic, and bills that are written once."""

from __future__ import annotations

from calls.domain.events import Tokens
from calls.domain.usage import Counts, Ledger, add, settle, spoken_ms
from tests.domain.talk import START


def test_what_a_sum_holds_beyond_its_details_is_text_and_makes_an_estimate() -> None:
    tokens = settle(Counts(10, 4, 6), Counts(), Counts(30, 5, 20), 40)

    assert tokens == Tokens(input_text=4, input_audio=6, output_text=10, output_audio=20, total=40, split_known=False)


def test_cached_tokens_never_exceed_the_input() -> None:
    tokens = settle(Counts(10, 4, 6), Counts(384, 300, 84), Counts(), None)

    assert (tokens.cached_text, tokens.cached_audio) == (4, 6)


def test_a_cached_sum_is_taken_from_the_text_first_and_is_a_guess_where_there_is_sound() -> None:
    mixed = settle(Counts(10, 4, 6), Counts(7), Counts(), None)
    written = settle(Counts(10, 10), Counts(7), Counts(), None)

    assert (mixed.cached_text, mixed.cached_audio, mixed.split_known) == (4, 3, False)
    assert (written.cached_text, written.split_known) == (7, True)


def test_sums_add_up() -> None:
    both = add([Tokens(1, 2, total=3), Tokens(10, output_audio=5, total=15, split_known=False)])

    assert both == Tokens(11, 2, output_audio=5, total=18, split_known=False)
    assert add([]) == Tokens()


def test_the_length_of_speech_comes_from_its_tokens_or_its_words() -> None:
    assert spoken_ms(Tokens(output_audio=100), 7) == 5000
    assert spoken_ms(Tokens(), 15) == spoken_ms(None, 15) == 1000


def test_a_bill_is_written_once_and_completed_at_most_once() -> None:
    ledger = Ledger()

    missing = ledger.record("response", "r", START, model="m")
    again = ledger.record("response", "r", START, model="m")
    known = ledger.record("response", "r", START, model="m", tokens=Tokens())
    late = ledger.record("response", "r", START, model="m")

    assert [bill and bill.complete for bill in (missing, again, known, late)] == [False, None, True, None]
    assert ledger.record("transcription", "r", START, model="w", seconds=3.0) is not None
