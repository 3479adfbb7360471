"""How much of a reply the caller heard."""

from __future__ import annotations

import pytest

from calls.domain.replies import heard_words

TEXT = "One two three four."


@pytest.mark.parametrize(
    ("text", "heard_ms", "whole_ms", "heard"),
    [
        (TEXT, 0, 1000, ""),
        (TEXT, 1000, 1000, TEXT),
        (TEXT, 2000, 1000, TEXT),
        (TEXT, 500, 1000, "One two"),
        (TEXT, 370, 1000, "One two"),
        (TEXT, 100, 1000, ""),
        (TEXT, 0, 0, ""),
        ("", 5, 10, ""),
        ("今日はいい天気ですね", 500, 1000, "今日はいい"),
    ],
)
def test_words_are_heard_in_proportion_and_whole(text: str, heard_ms: int, whole_ms: int, heard: str) -> None:
    assert heard_words(text, heard_ms, whole_ms) == heard
