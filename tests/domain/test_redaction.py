"""Masked numbers."""

from __future__ import annotations

import pytest

from calls.domain.redaction import mask_number


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+441632960017", "+44 •••• 0017"),
        ("+14255550123", "+1 •••• 0123"),
        ("+79161234567", "+7 •••• 4567"),
        ("+420601234567", "+420 •••• 4567"),
        ("sip:+14255550123@sip.example.com;user=phone", "+1 •••• 0123"),
        ('"Ann" <sip:+44 (1632) 960-017@host>;tag=1', "+44 •••• 0017"),
        ("tel:02079460123", "•••• 0123"),
        ("12345", "••••"),
        ("anonymous", "••••"),
        ("sip:alice@example.com", "••••"),
        ("", "••••"),
    ],
)
def test_a_number_shows_its_country_and_its_end(number: str, masked: str) -> None:
    assert mask_number(number) == masked
