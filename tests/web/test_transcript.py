"""The order of reading, and that the browser's modules come to the same lines, figures and formats as the server."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from calls.domain import attention
from calls.templatetags import calls_tags
from calls.web import facts, pretty, rows, transcript, words

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "calls" / "static" / "calls" / "js"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(seconds):
    return (NOON + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def turn(item, rank, seconds, **fields):
    return {
        "item_id": item,
        "rank": rank,
        "kind": "message",
        "speaker": "caller",
        "status": "completed",
        "text": item,
        "heard_text": None,
        "name": "",
        "tool_call_id": "",
        "response_id": "",
        "arguments": "",
        "output": "",
        "transcription": None,
        "reply_ms": None,
        "command_id": None,
        "started_at": at(seconds),
        "ended_at": at(seconds + 1),
        **fields,
    }


def command(name, seconds, **fields):
    return {
        "id": name,
        "verb": "inform",
        "text": "",
        "state": "sent",
        "detail": "",
        "after_item_id": "",
        "requested_at": at(seconds),
        "settled_at": None,
        **fields,
    }


def usage(ref, **fields):
    counts = {key: 0 for key, _ in facts.BUCKETS}
    return {"kind": "response", "ref_id": ref, "total": 0, "complete": True, **counts, **fields}


BODY = {
    "call": {"code": "c", "state": "active", "started_at": at(-1), "answered_at": at(0), "usage_incomplete": False},
    # Arrived late, belongs in the middle: rank decides, never arrival.
    "turns": [
        turn("first", 1, 0),
        turn("third", 3, 9, reply_ms=700, speaker="agent", status="cut_off", heard_text="th", response_id="r3"),
        turn("second", 2, 5),
        turn("asked", 4, 12, kind="tool_call", tool_call_id="t1"),
        turn("answer", 5, 13, kind="tool_output", tool_call_id="t1"),
        turn("lonely", 6, 14, kind="tool_output", tool_call_id="t9"),
        turn("told", 7, 15, speaker="operator", command_id="k1", reply_ms=None),
        turn("last", 8, 20, reply_ms=1300, speaker="agent"),
    ],
    "commands": [
        command("k1", 14.5),
        command("k2", 16, after_item_id="second"),
        command("k3", 2, after_item_id="second"),
        command("k4", 17),
    ],
    "notes": [
        {"seq": 9, "kind": "keypad", "at": at(6), "body": {"key": "4"}},
        {"seq": 11, "kind": "interrupted", "at": at(9.8), "body": {"response_id": "r3", "by": "caller"}},
        {"seq": 12, "kind": "interrupted", "at": at(15.5), "body": {"response_id": "elsewhere", "by": "operator"}},
    ],
    "gaps": [{"started_at": at(10), "ended_at": at(11.5), "cause": "socket_closed"}],
    "session": None,
    "usage": [usage("r1", input_text=10, output_audio=5, total=15), usage("r2", input_text=1, total=1, complete=False)],
}
ORDER = [
    "turn:first",
    "silence:turn:second",
    "turn:second",
    "command:k3",
    "command:k2",
    "note:9",
    "turn:third",
    f"gap:{at(10)}",
    "turn:asked",
    "turn:lonely",
    "turn:told",
    "note:12",
    "command:k4",
    "turn:last",
]
ROWS = [
    {"code": "a", "state": "active", "attachment": "attached", "floor": "speaking", "started_at": at(0), "reply_ms": 700,
     "answered_at": at(1), "last_event_at": at(99), "end_reason": ""},
    {"code": "b", "state": "active", "attachment": "attached", "floor": "", "started_at": at(5), "reply_ms": 900,
     "answered_at": at(6), "last_event_at": at(80), "end_reason": ""},
    {"code": "c", "state": "lost", "attachment": "closed", "floor": "", "started_at": at(50), "reply_ms": None,
     "answered_at": at(51), "last_event_at": at(60), "end_reason": "", "ended_at": at(98)},
    {"code": "d", "state": "ended", "attachment": "closed", "floor": "", "started_at": at(3), "reply_ms": 500,
     "answered_at": at(6), "last_event_at": at(60), "end_reason": "not_accepted", "ended_at": at(97)},
    {"code": "e", "state": "ringing", "attachment": "detached", "floor": "", "started_at": at(90), "reply_ms": None,
     "answered_at": None, "last_event_at": None, "end_reason": ""},
    {"code": "f", "state": "active", "attachment": "reattaching", "floor": "thinking", "started_at": at(95),
     "reply_ms": 400, "answered_at": at(96), "last_event_at": at(99), "end_reason": ""},
    {"code": "g", "state": "active", "attachment": "attached", "floor": "listening", "started_at": at(1),
     "reply_ms": 5_000, "answered_at": at(2), "last_event_at": at(99), "end_reason": ""},
]  # fmt: skip
WORST_FIRST = ["d", "c", "g", "b", "f", "a", "e"]
# A slow reply has no age: it stands behind the warnings that have one, though its call is the longest of these.
MOST_URGENT = ["d", "c", "b", "f", "g"]
JSON_TEXTS = [
    '{"id": 12345678901234567890, "amount":42.0,"x":1e400, "s":"a\\u202e, {\\"b\\": 1}","l":[],"o":{},"n":[1,[true,null]]}',
    "not json {",
    "",
    "[]",
    '"text"',
]
MILLISECONDS = [0, 620.4, 999, 1_000, 1_624, 59_994, 64_000, 3_700_000]

HARNESS = """
globalThis.document = { getElementById: (id) => (id === "words" ? { textContent: process.argv[3] } : null) };
const here = (path) => import(`${process.argv[2]}/${path}`);
const { open } = await here("feed/reduce.js");
const { lines } = await here("call/lines.js");
const { factsOf } = await here("call/facts.js");
const { worstFirst, mostUrgent, changes } = await here("live/order.js");
const { counted } = await here("live/figures.js");
const { face, worst } = await here("lib/faces.js");
const { took, clockText, age, timer } = await here("lib/format.js");
const { pretty } = await here("lib/pretty.js");
const { body, rows, now, milliseconds, texts } = JSON.parse(process.argv[4]);
const state = open({ stream: "call:c", epoch: "e", seq: 9, body });
const seen = rows.map((row) => ({ row, need: worst(row, now) ?? null }));
console.log(JSON.stringify({
  lines: lines(state).map((line) => line.key),
  caused: lines(state).filter((line) => line.command).map((line) => [line.key, line.command.id]),
  cut: lines(state).filter((line) => line.cutBy).map((line) => [line.key, line.cutBy]),
  outputs: lines(state).filter((line) => line.output).map((line) => [line.key, line.output.item_id]),
  facts: factsOf(state),
  order: worstFirst(seen).map(({ row }) => row.code),
  queue: mostUrgent(seen).map(({ row }) => row.code),
  figures: counted(seen),
  faces: rows.map((row) => face(row).key),
  need: seen.map(({ need }) => need && [need.reason, need.severity]),
  took: milliseconds.map(took),
  clocks: milliseconds.map((ms) => clockText(ms / 1000)),
  ages: milliseconds.map((ms) => age(ms / 1000)),
  timers: rows.map((row) => timer(row, now)),
  pretty: texts.map(pretty),
  changes: [changes(["a", "b", "c"], ["a", "b", "c"]), changes(["a", "b", "c"], ["c", "a", "b"]), changes(["a"], ["b"])],
}));
"""


def test_turns_stand_by_rank_and_everything_else_where_it_took_effect():
    assert [line.key for line in transcript.lines(BODY)] == ORDER


def test_a_command_stands_in_the_turn_that_it_caused():
    caused = {line.key: line.command["id"] for line in transcript.lines(BODY) if line.command}
    assert caused == {"turn:told": "k1"}


def test_a_tool_call_and_its_result_are_one_line():
    outputs = {line.key: line.output["item_id"] for line in transcript.lines(BODY) if line.output}
    assert outputs == {"turn:asked": "answer", "turn:lonely": "lonely"}


def test_every_kind_of_line_has_an_empty_one_to_clone():
    for line in transcript.blanks():
        assert (ROOT / "templates" / line.template).exists()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """What the page's own modules make of the same data."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed: the browser's modules were not compared")
    folder = tmp_path_factory.mktemp("js")
    shutil.copytree(SCRIPTS, folder / "js")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "compare.mjs").write_text(HARNESS)
    given = {
        "body": BODY,
        "rows": ROWS,
        "now": (NOON.timestamp() + 100) * 1000,
        "milliseconds": MILLISECONDS,
        "texts": JSON_TEXTS,
    }
    command = ["node", "compare.mjs", str(folder / "js"), json.dumps(words.table()), json.dumps(given)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_browser_reads_in_the_same_order(browser):
    lines = transcript.lines(BODY)
    assert browser["lines"] == ORDER
    assert browser["cut"] == [[line.key, line.cut_by] for line in lines if line.cut_by] == [["turn:third", "caller"]]
    assert browser["caused"] == [[line.key, line.command["id"]] for line in lines if line.command]
    assert browser["outputs"] == [[line.key, line.output["item_id"]] for line in lines if line.output]


def test_the_browser_counts_the_same(browser):
    ours = facts.of(BODY)
    theirs = browser["facts"]
    assert theirs["tokens"] == {key: count for key, _, count in ours.tokens}
    assert (ours.cuts, ours.talk_share) == ("2: 1 by the caller, 1 from here", "50 % caller")
    for name in (
        "replies", "reply_last", "reply_median", "reply_p95", "cuts", "talk_share", "tools", "gaps", "gap_ms", "total",
        "incomplete",
    ):  # fmt: skip
        assert theirs[name] == getattr(ours, name), name


def test_the_browser_sorts_and_marks_rows_the_same(browser):
    now = NOON + timedelta(seconds=100)
    assert browser["order"] == [row["code"] for row in rows.worst_first(ROWS, now)] == WORST_FIRST
    assert browser["queue"] == [row["code"] for row in rows.most_urgent(ROWS, now)] == MOST_URGENT
    assert browser["faces"] == [words.face(row).key for row in ROWS]
    needs = [attention.worst(row, now) for row in ROWS]
    assert browser["need"] == [need and [need.reason, need.severity] for need in needs]
    tiles = rows.tiles(ROWS, now)
    assert browser["figures"] == {
        "live": tiles.live,
        "need": tiles.need,
        "act": sum(need is not None and attention.rank(need) == 0 for need in needs),
        "median": tiles.reply_median,
        "p95": tiles.reply_p95,
    }


def test_the_browser_writes_times_the_same(browser):
    now = NOON + timedelta(seconds=100)
    assert browser["took"] == [calls_tags.took(ms) for ms in MILLISECONDS]
    assert browser["clocks"] == [calls_tags.clock(ms / 1000) for ms in MILLISECONDS]
    assert browser["ages"] == [calls_tags.age(ms / 1000) for ms in MILLISECONDS]
    assert browser["timers"] == [calls_tags.timer(row, now) for row in ROWS]


def test_json_is_indented_and_never_altered(browser):
    assert browser["pretty"] == [pretty.pretty(text) for text in JSON_TEXTS]
    assert pretty.pretty('{"a":42.0,"b":[]}') == '{\n  "a": 42.0,\n  "b": []\n}'
    assert '"id": 12345678901234567890,' in browser["pretty"][0]
    assert "\\u202e" in browser["pretty"][0]


def test_the_waiting_order_is_counted_in_rows_that_move(browser):
    assert browser["changes"] == [0, 1, 2]
