"""The parts that frames share: counts that can be believed."""

from __future__ import annotations

from typing import Any

import pytest

from calls.domain.events import Tokens
from calls.providers import frames


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, None),
        ({}, None),
        ([], None),
        ({"type": "duration", "seconds": 3}, None),
        (
            {"total_tokens": 0, "input_tokens": 0, "output_tokens": 0},
            Tokens(),
        ),
        (
            {
                "total_tokens": 22,
                "type": "tokens",
                "input_tokens": 13,
                "input_token_details": {"text_tokens": 0, "audio_tokens": 13},
                "output_tokens": 9,
            },
            Tokens(input_audio=13, output_text=9, total=22),
        ),
        (
            {
                "total_tokens": 100,
                "input_tokens": 70,
                "output_tokens": 30,
                "input_token_details": {
                    "text_tokens": 40,
                    "audio_tokens": 30,
                    "cached_tokens": 32,
                    "cached_tokens_details": {"text_tokens": 20, "audio_tokens": 12},
                },
                "output_token_details": {"text_tokens": 10, "audio_tokens": 20, "reasoning_tokens": 0},
            },
            Tokens(40, 30, 0, 20, 12, 0, 10, 20, 100),
        ),
        (
            {"input_tokens": 5, "output_tokens": 7},
            Tokens(input_text=5, output_text=7, total=12, split_known=False),
        ),
    ],
)
def test_usage_is_read_as_far_as_it_goes(usage: Any, tokens: Tokens | None) -> None:
    assert frames.tokens(usage) == tokens


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, 5), (5.0, 5), (5.5, None), (-1, None), (True, None), ("5", None), (2**60, None), (None, None)],
)
def test_a_count_is_a_whole_number_that_can_be(value: object, expected: int | None) -> None:
    assert frames.count(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(3, 3.0), (0.5, 0.5), (-1, None), (True, None), (10**9, None), ("1", None)]
)
def test_seconds_are_bounded(value: object, expected: float | None) -> None:
    assert frames.seconds(value) == expected
