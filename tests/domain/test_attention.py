"""Why a row needs somebody: a table of rows, which the browser's mirror is run over as well."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from calls.domain import attention
from calls.domain.attention import LIMITS, Need, Reason, Severity, needs, rank, worst
from calls.domain.states import CallState
from calls.domain.views import iso
from tests.domain.talk import START

MIRROR = Path(__file__).resolve().parents[2] / "calls" / "static" / "calls" / "js" / "lib" / "attention.js"
NOW = START + timedelta(hours=1)


def ago(seconds):
    return iso(NOW - timedelta(seconds=seconds))


def row(**fields):
    """A call in the best of health."""
    healthy = {"state": "active", "attachment": "attached", "end_reason": "", "started_at": ago(90), "interruptions": 0}
    return healthy | {"answered_at": ago(88), "last_event_at": ago(0.4), "quiet_since": None, "reply_ms": 700} | fields


TABLE = {
    "healthy": (row(), []),
    "ringing for long": (row(state="ringing", answered_at=None, last_event_at=None), []),
    "lost": (row(state="lost", ended_at=ago(3)), ["failed act"]),
    "not accepted": (row(state="ended", end_reason="not_accepted", ended_at=ago(3)), ["failed act"]),
    "hung up, and a tool had failed": (row(state="ended", end_reason="hung_up", tool_failed_at=ago(3)), []),
    "missed": (row(state="missed"), []),
    "a pause": (row(last_event_at=ago(4.9)), []),
    "a long pause": (row(last_event_at=ago(5)), ["no_news note"]),
    "may have ended": (row(last_event_at=ago(15), quiet_since=ago(17)), ["no_news warn"]),
    "has probably ended": (row(last_event_at=ago(60)), ["no_news act"]),
    "no event since the answer": (row(last_event_at=None, answered_at=ago(20)), ["no_news warn"]),
    "quiet": (row(quiet_since=ago(7)), []),
    "too quiet": (row(quiet_since=ago(8)), ["silence warn"]),
    "no news either": (row(quiet_since=ago(9), last_event_at=ago(9)), ["silence warn", "no_news note"]),
    "abandoned": (row(quiet_since=ago(31)), ["silence act"]),
    "quiet while transferring": (row(state="transferring", quiet_since=ago(31)), []),
    "transferring, without news": (row(state="transferring", last_event_at=ago(16)), ["no_news warn"]),
    "attaching again": (row(attachment="reattaching", last_event_at=ago(70), quiet_since=ago(70)), ["reattaching warn"]),
    "a slow reply": (row(reply_ms=4_000), ["slow warn"]),
    "not so slow": (row(reply_ms=3_999), []),
    "no reply yet": (row(reply_ms=None), []),
    "two interruptions": (row(interruptions=2, interrupted_at=ago(1)), []),
    "three interruptions": (row(interruptions=3, interrupted_at=ago(119)), ["interruptions warn"]),
    "long ago": (row(interruptions=9, interrupted_at=ago(121)), []),
    "a tool failed": (row(tool_failed_at=ago(299)), ["tool act"]),
    "another conversation by now": (row(tool_failed_at=ago(301)), []),
    "asks for a person": (row(asked_for_person_at=ago(2)), ["asked act"]),
    "was helped": (row(asked_for_person_at=ago(9), tool_failed_at=ago(9), helped_at=ago(8)), []),
    "was helped, and asks again": (row(asked_for_person_at=ago(7), tool_failed_at=ago(9), helped_at=ago(8)), ["asked act"]),
    "not confirmed": (row(unconfirmed_at=ago(30)), ["unconfirmed warn"]),
    "everything": (
        row(asked_for_person_at=ago(1), tool_failed_at=ago(1), quiet_since=ago(9), reply_ms=9_000, unconfirmed_at=ago(1),
            interruptions=5, interrupted_at=ago(1), last_event_at=ago(6)),
        ["asked act", "tool act", "silence warn", "unconfirmed warn", "interruptions warn", "slow warn", "no_news note"],
    ),
    "a row of an older page": ({"state": "active"}, []),
}  # fmt: skip


def shown(found):
    return [f"{need.reason} {need.severity}" for need in found]


@pytest.mark.parametrize("name", TABLE)
def test_a_row_says_why_it_needs_somebody(name):
    given, wanted = TABLE[name]
    assert shown(needs(given, NOW)) == wanted


@pytest.mark.parametrize("state", CallState)
def test_every_state_has_an_answer(state):
    assert isinstance(needs(row(state=state.value), NOW), list)


def test_every_reason_is_in_the_table_and_has_at_most_eight_words():
    found = {reason.split()[0] for _, wanted in TABLE.values() for reason in wanted}
    assert found == {reason.value for reason in Reason}
    assert all(0 < len(words.split()) <= 8 for words in attention.WORDS.values())


def test_the_worst_reason_stands_for_the_row():
    need = worst(row(reply_ms=9_000, tool_failed_at=ago(2)), NOW)
    assert need == Need(Reason.TOOL, Severity.ACT, NOW - timedelta(seconds=2))
    assert need.words == "A tool failed"
    assert worst(row(), NOW) is None


def test_rows_rank_by_severity_and_a_mere_mark_ranks_nobody():
    ranks = [
        rank(worst(one, NOW))
        for one in (row(tool_failed_at=ago(1)), row(reply_ms=9_000), row(), row(last_event_at=ago(6)))
    ]
    assert ranks == [0, 1, 2, 2]


def test_the_words_say_how_sure_one_can_be():
    words = [worst(row(last_event_at=ago(seconds)), NOW).words for seconds in (6, 16, 61)]
    assert words == ["No news", "No news, may have ended", "No news, may have ended"]


def test_limits_can_be_others():
    assert worst(row(reply_ms=900), NOW, attention.Limits(slow_ms=800)).reason is Reason.SLOW
    assert LIMITS.news_note < LIMITS.news_warn < LIMITS.news_act


HARNESS = """
import { readFileSync } from "node:fs";
import { needs, rank, wording } from "./attention.mjs";

const { table, faults, now, rows } = JSON.parse(readFileSync("cases.json"));
console.log(JSON.stringify(rows.map((row) => needs(row, now, table, faults).map((need) => ({
  ...need, words: wording(need, table), rank: rank(need),
})))));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: the browser's mirror is not run")
def test_the_browser_judges_alike(tmp_path):
    (tmp_path / "attention.mjs").write_text(MIRROR.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "run.mjs").write_text(HARNESS, encoding="utf-8")
    rows = [given for given, _ in TABLE.values()]
    given = {"table": attention.table(), "faults": attention.FAULTS, "now": NOW.timestamp() * 1_000, "rows": rows}
    (tmp_path / "cases.json").write_text(json.dumps(given), encoding="utf-8")
    done = subprocess.run(["node", "run.mjs"], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    ours = [
        [
            {"reason": need.reason, "severity": need.severity, "since": iso(need.since), "words": need.words,
             "rank": rank(need)}
            for need in needs(one, NOW)
        ]
        for one in rows
    ]  # fmt: skip
    assert json.loads(done.stdout) == ours
