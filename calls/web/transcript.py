"""Brings turns, notes, gaps and commands of one call into the order of reading. Mirrored by js/call/lines.js.

Turns stand by rank, never by arrival. Notes and gaps stand after the last turn that began before them. A command
stands in the turn that it caused, else after the turn where it took effect, else by its time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from calls.domain.views import iso
from calls.web.rows import moment

Part = Mapping[str, Any]
LineKind = Literal["turn", "tool", "note", "gap", "command", "silence"]

SILENCE_MS = 4_000
"""A stretch without any voice from which it gets a line"""
_VOICES = ("caller", "agent")


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
    cut_by: str = ""
    """Turn lines: who cut the reply off, where a note tells"""
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
    cuts = _cuts(body["notes"])
    for turn in turns:
        if turn["kind"] == "tool_output" and turn["tool_call_id"] in calls:
            continue
        tool = turn["kind"] != "message"
        line = Line("tool" if tool else "turn", f"turn:{turn['item_id']}", turn, str(turn["started_at"]))
        if tool:
            line.output = turn if turn["kind"] == "tool_output" else outputs.get(turn["tool_call_id"])
        if turn["status"] == "cut_off":
            line.cut_by = cuts.get(turn["response_id"], "")
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
    told = {line.body["response_id"] for line in spine if line.cut_by}
    loose += [
        Line("note", f"note:{note['seq']}", note, str(note["at"])) for note in body["notes"] if not _told(note, told)
    ]
    loose += [Line("gap", f"gap:{gap['started_at']}", gap, str(gap["started_at"])) for gap in body["gaps"]]
    return _with_silences(_merge(spine, loose))


def _cuts(notes: Sequence[Part]) -> dict[str, str]:
    """Who cut which response off."""
    bodies = [note.get("body") or {} for note in notes if note["kind"] == "interrupted"]
    return {str(body["response_id"]): str(body.get("by", "")) for body in bodies if body.get("response_id")}


def _told(note: Part, responses: Collection[str]) -> bool:
    """The turn itself says that it was cut off, and by whom."""
    return note["kind"] == "interrupted" and (note.get("body") or {}).get("response_id") in responses


def _with_silences(merged: list[Line]) -> list[Line]:
    """A line before each turn that nobody's voice preceded for long. A gap is no silence: nobody knows."""
    told: list[Line] = []
    quiet_since: datetime | None = None
    for line in merged:
        start, end = moment(line.at), moment(line.body.get("ended_at"))
        voice = line.kind == "turn" and line.body["speaker"] in _VOICES
        if voice and start and quiet_since and start - quiet_since >= timedelta(milliseconds=SILENCE_MS):
            body = {"started_at": iso(quiet_since), "ended_at": line.at}
            told.append(Line("silence", f"silence:{line.key}", body, line.at))
        told.append(line)
        if line.kind == "gap":
            quiet_since = None
        elif voice:
            quiet_since = max(end, quiet_since or end) if end else None
    return told


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
