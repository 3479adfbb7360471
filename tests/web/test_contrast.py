"""Colours: every one that words are written in can be read on every ground, in both themes."""

from __future__ import annotations

import pytest

from calls.web import contrast


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#767676", "#ffffff", 4.54),
        ("#3b4fd8", "#ffffff", 6.4),
    ],
)
def test_the_measure_is_that_of_wcag(one, other, expected):
    assert contrast.ratio(one, other) == contrast.ratio(other, one) == pytest.approx(expected, abs=0.05)


def test_no_colour_of_the_style_sheet_is_missed():
    assert {*contrast.GROUNDS, *contrast.TEXTS, *contrast.BORDERS} <= contrast.pairs().keys()


def test_every_colour_that_is_read_passes():
    measured = [token for token in contrast.tokens() if token.least]
    assert len(measured) == len(contrast.TEXTS) + len(contrast.BORDERS)
    assert [f"{token.name}: {token.lowest}" for token in measured if not token.passes] == []


@pytest.mark.parametrize("name", ["accent", "failed"])
@pytest.mark.parametrize("scheme", [0, 1])
def test_words_on_filled_buttons_can_be_read(name, scheme):
    pairs = contrast.pairs()
    assert contrast.ratio(pairs[f"on-{name}"][scheme], pairs[name][scheme]) >= 4.5
