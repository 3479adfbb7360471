"""What the browser's reducer does with hints, holes and old rows; entries are replayed from tests/golden/ elsewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

REDUCER = Path(__file__).resolve().parents[2] / "calls" / "static" / "calls" / "js" / "feed" / "reduce.js"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed: the browser's reducer was not run")

TURN = {"item_id": "i1", "rank": 1, "status": "open", "transcription": None, "text": "Hel"}
BODY = {"call": {"code": "c"}, "turns": [TURN], "usage": [], "gaps": [], "commands": [], "notes": []}
CALL = {"stream": "call:c", "epoch": "e", "seq": 4, "body": BODY}
ROWS = {"stream": "tenant", "epoch": "e", "seq": 1, "body": {"rows": [{"code": "a", "state": "active"}]}}


def run(tmp_path, start, expression, *frames):
    """The value of `expression` over `state` after `frames`."""
    (tmp_path / "reduce.mjs").write_text(REDUCER.read_text())
    (tmp_path / "run.mjs").write_text(
        'import { open, prune, reduce, toBody, unknown } from "./reduce.mjs";'
        "const [start, frames] = JSON.parse(process.argv[2]);"
        "const before = open(start);"
        "const state = frames.reduce(reduce, before);"
        f"console.log(JSON.stringify({expression} ?? null));"
    )
    command = [str(NODE), "run.mjs", json.dumps([start, frames])]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def partial(offset, text, item="i1"):
    body = {"item_id": item, "rank": 1, "speaker": "agent", "offset": offset, "text": text}
    return {"type": "hint", "stream": "call:c", "hints": [{"kind": "partial", "body": body}]}


def entries(*given, epoch="e", stream="call:c"):
    return {"type": "events", "stream": stream, "epoch": epoch, "entries": list(given)}


def entry(seq, kind, **body):
    return {"seq": seq, "kind": kind, "at": "", "body": body}


def test_partial_words_join_what_is_known(tmp_path):
    words = run(tmp_path, CALL, "state.partials.get('i1').text", partial(3, "lo"), partial(5, " you"))
    assert words == "Hello you"


def test_words_that_come_twice_stand_once(tmp_path):
    assert run(tmp_path, CALL, "state.partials.get('i1').text", partial(3, "lo"), partial(3, "lo w")) == "Hello w"


def test_a_lost_hint_leaves_its_beginning_unknown_and_nothing_made_up(tmp_path):
    known = run(tmp_path, CALL, "state.partials.get('i1')", partial(40, "end of it"))
    assert (known["skip"], known["text"]) == (40, "end of it")


def test_the_final_turn_replaces_its_partial_words(tmp_path):
    final = entry(5, "turn", **{**TURN, "status": "completed", "text": "Hello."})
    frames = [partial(3, "lo"), entries(final), partial(5, " late")]
    assert run(tmp_path, CALL, "[[...state.partials], state.turns.get('i1').text]", *frames) == [[], "Hello."]


def test_hints_move_no_position_and_no_snapshot(tmp_path):
    seq, body = run(tmp_path, CALL, "[state.seq, toBody(state)]", partial(3, "lo"))
    assert (seq, body) == (4, BODY)


def test_another_epoch_is_a_hole(tmp_path):
    gap = {"started_at": "1", "ended_at": "2", "cause": "x"}
    hole, seq = run(tmp_path, CALL, "[state.hole, state.seq]", entries(entry(5, "gap", **gap), epoch="other"))
    assert (hole, seq) == (True, 4)


def test_an_unknown_kind_moves_the_position_only(tmp_path):
    seq, body = run(tmp_path, CALL, "[state.seq, toBody(state)]", entries(entry(5, "weather", rain=True)))
    assert (seq, body) == (5, BODY)


def test_an_unknown_frame_changes_nothing_at_all(tmp_path):
    assert run(tmp_path, CALL, "state === before", {"type": "news", "stream": "call:c"}) is True


def test_a_snapshot_closes_a_hole(tmp_path):
    frames = [entries(entry(9, "gap", started_at="1")), {"type": "snapshot", **CALL, "seq": 9}]
    assert run(tmp_path, CALL, "[state.hole, state.seq]", *frames) == [False, 9]


def test_a_stream_that_is_gone_says_so(tmp_path):
    gone = {"type": "gone", "stream": "call:c"}
    assert run(tmp_path, CALL, "[state.gone, state.known]", gone, partial(3, "lo")) == [True, False]


def test_a_hint_about_an_unknown_call_makes_no_row(tmp_path):
    hints = [{"kind": "row", "body": {"code": name, "floor": "speaking"}} for name in ("a", "b")]
    frame = {"type": "hint", "stream": "tenant", "hints": hints}
    assert run(tmp_path, ROWS, "toBody(state).rows", frame) == [{"code": "a", "state": "active", "floor": "speaking"}]


def test_rows_that_ended_long_ago_leave(tmp_path):
    frame = entries(entry(2, "call", code="a", state="ended", ended_at="2026-11-20T12:00:00.000Z"), stream="tenant")
    kept = "prune(state, '2026-11-20T11:59:59.000Z').rows.size"
    left = "prune(state, '2026-11-20T12:00:01.000Z').rows.size"
    assert run(tmp_path, ROWS, f"[{kept}, {left}]", frame) == [1, 0]
