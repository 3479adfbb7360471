"""The talk lane of the last minute: path data, the same from server and browser."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from calls.domain.views import iso
from calls.web import lane
from tests.factories import NOON

MIRROR = Path(__file__).resolve().parents[2] / "calls" / "static" / "calls" / "js" / "live" / "lane.js"


def span(speaker, start, end):
    """Seconds before now."""
    ended = None if end is None else iso(NOON - timedelta(seconds=end))
    return [speaker, iso(NOON - timedelta(seconds=start)), ended]


CASES = {
    "nothing": ([], ("", "")),
    "one of each": ([span("caller", 30, 20), span("agent", 19, 9)],
                    ("M30.0 0.5h10.0v5.5h-10.0z", "M41.0 8h10.0v5.5h-10.0z")),
    "goes on": ([span("agent", 5, None)], ("", "M55.0 8h5.0v5.5h-5.0z")),
    "began before the window": ([span("caller", 90, 50)], ("M0.0 0.5h10.0v5.5h-10.0z", "")),
    "a word": ([span("caller", 30, 29.9)], ("M30.0 0.5h0.6v5.5h-0.6z", "")),
    "long over": ([span("caller", 90, 61)], ("", "")),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_pieces_become_paths(name):
    spans, wanted = CASES[name]
    found = lane.paths(spans, NOON)
    assert (found["caller"], found["agent"]) == wanted


HARNESS = """
import { Talk } from "./lane.mjs";
const { cases, now } = JSON.parse(process.argv[2]);
console.log(JSON.stringify(cases.map((spans) => {
  const talk = new Talk(spans);
  return ["caller", "agent"].map((lane) => talk.path(lane, now));
})));
"""


def run(tmp_path, harness, given):
    (tmp_path / "lane.mjs").write_text(MIRROR.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "run.mjs").write_text(harness)
    done = subprocess.run(
        ["node", "run.mjs", json.dumps(given)], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: the mirror is not run")


@needs_node
def test_the_browser_draws_alike(tmp_path):
    given = {"cases": [spans for spans, _ in CASES.values()], "now": NOON.timestamp() * 1_000}
    assert run(tmp_path, HARNESS, given) == [list(wanted) for _, wanted in CASES.values()]


GOING_ON = """
import { Talk } from "./lane.mjs";
const { spans, now } = JSON.parse(process.argv[2]);
const row = (floor, quiet) => ({ state: "active", floor, quiet_since: quiet ? "x" : null });
const talk = new Talk(spans);
talk.note(row("listening", true), now);
talk.note(row("listening", false), now + 1_000);
talk.note(row("thinking", true), now + 3_000);
talk.note(row("speaking", false), now + 4_000);
talk.note({ ...row("speaking", false), state: "ended" }, now + 6_000);
console.log(JSON.stringify(["caller", "agent"].map((lane) => talk.path(lane, now + 10_000))));
"""


@needs_node
def test_the_browser_goes_on_from_the_servers_pieces(tmp_path):
    """An open piece ends when the row says so; silence is nobody's, and so is a call that is over."""
    found = run(tmp_path, GOING_ON, {"spans": [span("agent", 5, None)], "now": NOON.timestamp() * 1_000})
    assert found == ["M51.0 0.5h2.0v5.5h-2.0z", "M45.0 8h5.0v5.5h-5.0zM54.0 8h2.0v5.5h-2.0z"]
