"""Brings turns, notes, gaps and commands of one call into the order of reading. Mirrored by js/call/lines.js.

Turns stand by rank, never by arrival. Notes and gaps stand after the last turn that began before them. A command
stands in the turn that it caused, else after the turn where it took effect, else by its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Part = Mapping[str, Any]
LineKind = Literal["turn", "tool", "note", "gap", "command"]


@dataclass(slots=True)
class Line:
    """One line; `body` is the feed's own object."""

    kind: LineKind
    key: str
    body: Part
    at: str = ""
    output: Part | None = None
    """Tool lines: the turn that holds the result"""
    command: Part | None = None
    """Turn lines: the command that caused the turn"""
    after: list[Line] = field(default_factory=list)

    @property
    def template(self) -> str:
        return f"_line_{self.kind}.html"


def blanks() -> list[Line]:
    """An empty line of every kind: what the browser clones."""
    return [Line(kind, "", {}) for kind in get_args(LineKind)]


def lines(body: Mapping[str, Any]) -> list[Line]:
    turns = sorted(body["turns"], key=lambda turn: (turn["rank"], turn["item_id"]))
    calls = {turn["tool_call_id"] for turn in turns if turn["kind"] == "tool_call"}
    outputs = {turn["tool_call_id"]: turn for turn in turns if turn["kind"] == "tool_output"}
    commands = {str(command["id"]): command for command in body["commands"]}
    placed: set[str] = set()
    spine: list[Line] = []
    for turn in turns:
        if turn["kind"] == "tool_output" and turn["tool_call_id"] in calls:
            continue
        tool = turn["kind"] != "message"
        line = Line("tool" if tool else "turn", f"turn:{turn['item_id']}", turn, str(turn["started_at"]))
        if tool:
            line.output = turn if turn["kind"] == "tool_output" else outputs.get(turn["tool_call_id"])
        cause = commands.get(str(turn["command_id"]))
        if cause is not None and str(cause["id"]) not in placed:
            line.command = cause
            placed.add(str(cause["id"]))
        spine.append(line)
    by_item = {str(line.body["item_id"]): line for line in spine}
    loose: list[Line] = []
    for command in commands.values():
        if str(command["id"]) in placed:
            continue
        line = Line("command", f"command:{command['id']}", command, str(command["requested_at"]))
        home = by_item.get(command.get("after_item_id") or "")
        (home.after if home else loose).append(line)
    loose += [Line("note", f"note:{note['seq']}", note, str(note["at"])) for note in body["notes"]]
    loose += [Line("gap", f"gap:{gap['started_at']}", gap, str(gap["started_at"])) for gap in body["gaps"]]
    return _merge(spine, loose)


def _merge(spine: list[Line], loose: list[Line]) -> list[Line]:
    """Ascending, stable: a loose line never stands before a turn that began earlier."""
    waiting = sorted(loose, key=lambda line: (line.at, line.key))
    merged: list[Line] = []
    for line in spine:
        while waiting and waiting[0].at < line.at:
            merged.append(waiting.pop(0))
        merged.append(line)
        merged += sorted(line.after, key=lambda below: (below.at, below.key))
    return merged + waiting
