"""The tables: every pair of states is a move or a refusal, and ends have no exits."""

from __future__ import annotations

from itertools import product

import pytest

from calls.domain.states import ATTACHMENT, CALL, COMMAND, LIVE, move
from calls.exceptions import InvalidTransition

TABLES = [CALL, ATTACHMENT, COMMAND]
PAIRS = [(table, here, there) for table in TABLES for here, there in product(table, table)]


@pytest.mark.parametrize(("table", "here", "there"), PAIRS)
def test_every_pair_is_in_the_table_or_refused(table, here, there) -> None:
    if there in table[here]:
        assert move(table, here, there) is there
    else:
        with pytest.raises(InvalidTransition):
            move(table, here, there)


@pytest.mark.parametrize("table", TABLES)
def test_every_state_is_in_its_table_and_can_be_reached(table) -> None:
    states = list(table)

    assert set(states) == set(type(states[0]))
    assert set().union(*table.values()) | {states[0]} == set(states)


def test_live_calls_are_those_with_exits() -> None:
    assert {state for state, exits in CALL.items() if exits} == LIVE
