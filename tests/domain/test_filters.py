"""What is looked for in the history, as data: lengths as people write them, and which filters are on."""

from __future__ import annotations

import pytest

from calls.domain.filters import LONGEST_S, Filters, Mark, Outcome, length
from calls.domain.periods import Period
from calls.exceptions import InvalidInput
from tests.factories import NOON


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("0", 0),
        ("90", 90),
        ("1:30", 90),
        ("0:07", 7),
        ("1:04:12", 3852),
        ("90:00", 5400),
        ("99:999:99999", LONGEST_S),
    ],
)
def test_a_length_is_seconds_or_what_a_clock_shows(text, seconds):
    assert length(text, "shortest") == seconds


@pytest.mark.parametrize("text", ["soon", "-1", "1:", ":30", "1.5", "1:2:3:4", "٣", " 90", "1e3"])
def test_anything_else_is_refused_at_its_field(text):
    with pytest.raises(InvalidInput) as raised:
        length(text, "longest")
    assert raised.value.field == "longest"


def test_only_what_filters_is_named_and_each_can_be_taken_off():
    assert Filters().used() == []
    filters = Filters(text="invoice", outcome=Outcome.FAILED, shortest=0, period=Period(since=NOON), mark=Mark.GAP)
    assert filters.used() == ["text", "outcome", "shortest", "period", "mark"]
    assert filters.without("period").used() == ["text", "outcome", "shortest", "mark"]
    assert filters.without("text").without("outcome") == Filters(shortest=0, period=Period(since=NOON), mark=Mark.GAP)
