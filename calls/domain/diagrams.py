"""The state tables as Mermaid state diagrams, for docs/architecture.md. Draws what `states` says and adds
nothing."""

from __future__ import annotations

from collections.abc import Mapping

from calls.domain.states import ATTACHMENT, CALL, COMMAND, S


def draw(table: Mapping[S, frozenset[S]]) -> str:
    """Return one diagram: the first state is the start, states without moves are ends. Ends without a
    newline.
    """
    states = list(table)
    lines = ["stateDiagram-v2", f"    [*] --> {states[0].value}"]
    for here in states:
        lines += [f"    {here.value} --> {there.value}" for there in states if there in table[here]]
        if not table[here]:
            lines.append(f"    {here.value} --> [*]")
    return "\n".join(lines)


def diagrams() -> dict[str, str]:
    """Return the three diagrams by name: call, attachment, command."""
    return {"call": draw(CALL), "attachment": draw(ATTACHMENT), "command": draw(COMMAND)}
