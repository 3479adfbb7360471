"""The tables as drawings."""

from __future__ import annotations

from calls.domain.diagrams import diagrams
from calls.domain.states import ATTACHMENT, CALL, COMMAND


def test_every_move_is_drawn_and_nothing_else() -> None:
    drawn = diagrams()

    for name, table in (("call", CALL), ("attachment", ATTACHMENT), ("command", COMMAND)):
        head, start, *moves = drawn[name].splitlines()
        assert head == "stateDiagram-v2"
        assert start.strip() == f"[*] --> {next(iter(table)).value}"
        expected = {f"{here.value} --> {there.value}" for here in table for there in table[here]}
        expected |= {f"{here.value} --> [*]" for here in table if not table[here]}
        assert sorted(line.strip() for line in moves) == sorted(expected)
