"""Old snapshot + entries == new snapshot, from the real database; and the browser's reducer agrees.

Each case is also written down in tests/golden/. After a wanted change: `WRITE_GOLDEN=1 pytest tests/contracts/…`.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.db.models import Value
from django.utils import timezone

from calls import feed
from calls.actions import commands, leases
from calls.domain.actors import Actor
from calls.domain.changes import (
    AttachmentChanged,
    CallStateChanged,
    GapRecorded,
    NoteAdded,
    SessionChanged,
    Signs,
    SignsChanged,
    UsageRecorded,
)
from calls.domain.roles import Role
from calls.domain.states import Attachment, CallState, EndReason
from calls.domain.views import iso
from calls.live import protocol
from calls.models import Call, Command, TenantStream
from calls.selectors import calls as call_selectors
from calls.selectors import live as live_selectors
from calls.tenancy import tenant_scope
from tests import factories
from tests.factories import NOON
from tests.sideband.desk import Pen, at, command, connected, turn, usage

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
REDUCER = ROOT / "calls" / "static" / "calls" / "js" / "feed" / "reduce.js"
CODE = UUID("0a0b0c0d-0000-4000-8000-000000000001")
ASKED = UUID("0a0b0c0d-0000-4000-8000-0000000000c1")
HINTS = {"floor", "last_words", "last_speaker", "last_event_at", "reply_ms", "oddities", "quiet_since"}
"""Columns of a row that no entry tells: pushed, or counted, but not numbered."""
SEED = "talk"
"""What a snapshot tells once, for the first paint: rows go on from there."""


# The protocol's reducer, as docs/feed-protocol.md says it


def reduce(stream: str, body: dict, entries: list[dict], seq: int = 0) -> dict:
    if stream == "tenant":
        rows = {row["code"]: row for row in body["rows"]}
        for entry in fresh(entries, seq):
            rows[entry["body"]["code"]] = rows.get(entry["body"]["code"], {}) | entry["body"]
        return {"rows": list(rows.values())}
    call, notes, settings = body["call"], list(body["notes"]), body["session"]
    turns = {one["item_id"]: one for one in body["turns"]}
    used = {(one["kind"], one["ref_id"]): one for one in body["usage"]}
    gaps = {one["started_at"]: one for one in body["gaps"]}
    asked = {one["id"]: one for one in body["commands"]}
    for entry in fresh(entries, seq):
        match entry["kind"], entry["body"]:
            case "call", part:
                call = call | part
            case "turn", one:
                turns[one["item_id"]] = one
            case "usage", one:
                used[one["kind"], one["ref_id"]] = one
            case "gap", one:
                gaps[one["started_at"]] = one
            case "command", part:
                asked[part["id"]] = asked.get(part["id"], {}) | part
            case "session", session:
                settings = session
            case "note", note:
                notes.append({"seq": entry["seq"]} | note)
            case kind, _:
                raise AssertionError(f"a kind that the protocol does not have: {kind}")
    return {
        "call": call,
        "turns": sorted(turns.values(), key=lambda one: one["rank"]),
        "usage": list(used.values()),
        "gaps": list(gaps.values()),
        "commands": list(asked.values()),
        "session": settings,
        "notes": notes,
    }


def fresh(entries: list[dict], seq: int) -> list[dict]:
    """Those that follow the position, which must be without a hole."""
    following = [entry for entry in entries if entry["seq"] > seq]
    assert [entry["seq"] for entry in following] == list(range(seq + 1, seq + 1 + len(following)))
    return following


def told(body: dict) -> dict:
    """A snapshot without the columns that no entry tells."""
    body = json.loads(json.dumps(body))
    body.pop(SEED, None)
    for row in [*body.get("rows", ()), *([body["call"]] if "call" in body else ())]:
        for name in HINTS:
            row.pop(name, None)
    return body


# The stage: one call with fixed ids, at fixed times


@dataclass
class Stage:
    call: Call
    now: datetime = NOON + timedelta(seconds=30)
    clock: list[datetime] = field(default_factory=list)

    def write(self, *changes, **columns):
        async def store():
            async with connected() as connection:
                pen = await Pen.of(connection, self.call)
                for change in changes:
                    await pen.write(change, **columns)
                await leases.release(connection, pen.owner)

        asyncio.run(store())

    def scoped(self, work: Callable):
        with tenant_scope(self.call.tenant_id):
            return work()

    def ask(self, verb="inform", text="She is a VIP.", key="key"):
        def work():
            user = factories.make_user(f"{key}@acme.example", name="Sam")
            by = Actor(user.pk, user.email, Role.SUPERVISOR)
            commands.request(call=self.call.code, verb=verb, text=text, key=key, by=by)
            return Command.objects.get(key=key).pk

        return self.scoped(work)

    def expire(self):
        self.clock[0] += commands.EXPIRES_AFTER + timedelta(seconds=5)
        assert self.scoped(commands.settle_overdue) == 1

    def pictures(self):
        return {
            "call": self.scoped(lambda: call_selectors.snapshot(self.call.code, reveal=True)),
            "tenant": self.scoped(lambda: live_selectors.snapshot(reveal=True)),
        }

    def entries(self, stream, seq):
        if stream == "call":
            return self.scoped(lambda: call_selectors.entries_after(self.call.code, seq, 500))
        return self.scoped(lambda: live_selectors.entries_after(seq, 500))


STATES = [CallState.ACCEPTED, CallState.ACTIVE, CallState.TRANSFERRING, CallState.ACTIVE]
OPEN = turn("item_2", "", rank=2.0, speaker="agent", status="open", response_id="resp_1", started_at=at(4))
CUT = turn(
    "item_2", "Of course, which day would suit?", rank=2.0, speaker="agent", status="cut_off", response_id="resp_1",
    heard_text="Of course,", heard_ms=620, reply_ms=840, steps=((0, 2), (120, 32)), started_at=at(4), ended_at=at(6),
)  # fmt: skip
TRANSCRIBED = UsageRecorded("transcription", "item_1", at(3), "whisper-1", None, 2.00049, complete=True)


def answered(stage):
    stage.write(CallStateChanged(CallState.ACTIVE, at(1)))


def requested(stage):
    answered(stage)
    stage.ask()


def claimed(stage):
    requested(stage)
    stage.write(command(stage.scoped(Command.objects.get).pk, "claimed", 31))


def settled(state, **fields):
    def write(stage):
        asked = stage.scoped(Command.objects.get).pk
        stage.write(command(asked, "sent", 32), command(asked, state, 33, **fields))

    return write


def writes(*changes):
    return lambda stage: stage.write(*changes)


CASES: dict[str, tuple[Callable | None, Callable]] = {
    "accepted": (None, writes(CallStateChanged(CallState.ACCEPTED, at(1)))),
    "answered": (None, writes(CallStateChanged(CallState.ACTIVE, at(1)), AttachmentChanged(Attachment.ATTACHED, at(1)))),
    "transferred_and_back": (None, writes(*(CallStateChanged(state, at(n)) for n, state in enumerate(STATES)))),
    "ended": (
        writes(CallStateChanged(CallState.ACTIVE, at(1)), turn()),
        writes(
            AttachmentChanged(Attachment.CLOSED, at(20)),
            CallStateChanged(CallState.ENDED, at(20), EndReason.HUNG_UP, "An operator hung up."),
        ),
    ),
    "missed": (None, writes(CallStateChanged(CallState.MISSED, at(20), EndReason.NOT_ACCEPTED, "No such call."))),
    "reattached": (
        writes(AttachmentChanged(Attachment.ATTACHED, at(1))),
        writes(
            AttachmentChanged(Attachment.REATTACHING, at(2), "1006"),
            AttachmentChanged(Attachment.ATTACHED, at(4)),
            GapRecorded(at(2), at(4), "socket_closed"),
        ),
    ),
    "gap_goes_on": (
        writes(GapRecorded(at(2), at(4), "owner_lost")),
        writes(GapRecorded(at(2), at(9), "owner_lost"), GapRecorded(at(12), at(13), "socket_closed")),
    ),
    "turn_opens": (writes(turn()), writes(OPEN)),
    "turn_is_cut_off": (writes(turn(), OPEN), writes(CUT)),
    "turn_is_incomplete": (writes(OPEN), writes(turn("item_2", "Of", rank=2.0, speaker="agent", status="incomplete"))),
    "turn_is_deleted": (writes(turn(), OPEN), writes(turn(status="deleted"))),
    "turn_comes_in_between": (writes(turn(), turn("item_3", rank=3.0)), writes(turn("item_2", rank=2.5), OPEN)),
    "transcription_comes_late": (
        writes(turn(text="", transcription="pending"), CUT),
        writes(turn(text="I'd like to book. 😀", transcription="completed", ended_at=at(3)), TRANSCRIBED),
    ),
    "tool": (
        writes(turn()),
        writes(
            turn("item_4", "", rank=4.0, kind="tool_call", speaker="agent", name="book", tool_call_id="call_1",
                 arguments='{"day":"Monday"}', transcription=None),
            turn("item_5", "", rank=5.0, kind="tool_output", speaker="system", tool_call_id="call_1",
                 output='{"ok":true}'),
        ),
    ),
    "usage": (writes(turn()), writes(usage(), TRANSCRIBED)),
    "usage_is_incomplete": (None, writes(usage(complete=False))),
    "usage_is_completed": (writes(usage(complete=False), usage("resp_2")), writes(usage(seconds=8))),
    "notes": (
        writes(NoteAdded("keypad", at(3), {"key": "5"})),
        writes(
            NoteAdded("keypad", at(4), {"key": "#"}),
            NoteAdded("provider_error", at(5), {"type": "server_error", "message": "The server <b>had</b> an error."}),
        ),
    ),
    "signs": (
        writes(SignsChanged(Signs(interruptions=1, interrupted_at=at(3), tool_failed_at=at(4)), at(4))),
        writes(SignsChanged(Signs(interruptions=2, interrupted_at=at(5), asked_for_person_at=at(6)), at(6))),
    ),
    "command_asked_for": (answered, Stage.ask),
    "command_claimed": (requested, lambda stage: stage.write(
        command(stage.scoped(Command.objects.get).pk, "claimed", 31))),
    "command_confirmed": (claimed, settled("confirmed", detail="item added", after_item_id="item_1")),
    "command_refused": (claimed, settled("refused", detail="The response was active.")),
    "command_not_confirmed": (claimed, settled("not_confirmed", detail="No proof came.")),
    "command_confirmed_late": (
        lambda stage: (claimed(stage), settled("not_confirmed", detail="No proof came.")(stage)),
        lambda stage: stage.write(command(stage.scoped(Command.objects.get).pk, "confirmed", 50, detail="late")),
    ),
    "command_expired": (requested, Stage.expire),
    "session_changes": (
        writes(SessionChanged({"model": "gpt-realtime", "audio": {"output": {"voice": "marin"}}}, at(2))),
        writes(SessionChanged({"model": "gpt-realtime", "audio": {"output": {"voice": {"id": "v_1"}, "speed": 1.1}},
                               "tools": [{}], "tool_choice": "none"}, at(4))),
    ),
    "call_opened": (None, lambda stage: stage.scoped(lambda: feed.call_opened(stage.call))),
}  # fmt: skip


@pytest.fixture
def stage(committed_db, acme, monkeypatch):
    agent = factories.make_agent(acme, name="Nora")
    call = factories.make_call(
        acme, agent=agent, code=CODE, call_id="rtc_1", from_number="+4930901820", state="ringing", answered_at=None
    )
    with tenant_scope(acme.id):
        TenantStream.objects.update(epoch=UUID(int=7))
    stage = Stage(call)
    stage.clock.append(stage.now)
    monkeypatch.setattr(timezone, "now", lambda: stage.clock[0])
    monkeypatch.setattr(commands, "Now", lambda: Value(stage.clock[0]))  # the database's clock
    return stage


@pytest.mark.parametrize("name", CASES)
def test_the_old_snapshot_and_the_entries_make_the_new_snapshot(stage, name):
    prepare, act = CASES[name]
    if prepare:
        prepare(stage)
    before = stage.pictures()
    if name == "call_opened":  # nothing was known of it
        before["tenant"].body["rows"].clear()
    act(stage)
    after = stage.pictures()

    cases = []
    for stream in ("call", "tenant"):
        old, new, entries = before[stream], after[stream], stage.entries(stream, before[stream].seq)
        assert told(reduce(stream, old.body, entries, old.seq)) == told(new.body), stream
        assert new.seq == old.seq + len(entries)
        # Entries may be told twice: what the old position has is skipped.
        everything = stage.entries(stream, 0)
        assert told(reduce(stream, old.body, everything, old.seq)) == told(new.body), stream
        if entries:
            cases.append(written_down(name, old, entries, new))
    check_golden(name, cases)


def test_every_change_of_a_call_is_told(stage):
    """All cases that write, one after the other on one call: entries add up over a whole life, too."""
    start = stage.pictures()
    for name, (_, act) in CASES.items():
        if not name.startswith(("command", "call_opened", "missed", "ended")):
            act(stage)
    end = stage.pictures()
    for stream in ("call", "tenant"):
        entries = stage.entries(stream, start[stream].seq)
        assert len(entries) >= 10
        reduced = reduce(stream, start[stream].body, entries, start[stream].seq)
        assert told(reduced) == told(end[stream].body), stream


def test_a_masked_reader_reduces_to_a_masked_snapshot(stage):
    """Entries on their way to a reader without *reveal* say what the reader's own snapshot says."""
    empty = {"rows": []}
    stage.scoped(lambda: feed.call_opened(stage.call))
    entries = json.loads(protocol.events("tenant", "e", stage.entries("tenant", 0), reveal=False))["entries"]
    shown = stage.scoped(lambda: live_selectors.snapshot(reveal=False)).body
    assert "+4930901820" not in json.dumps([entries, shown])
    assert told(reduce("tenant", empty, entries)) == told(shown)


def written_down(name, old, entries, new) -> dict:
    """A case on paper. What a database draws by itself (ids of commands, its own clock) is always the same there."""
    case = {"name": name, "stream": old.stream, "before": old.body, "entries": entries, "after": new.body}
    for body in (case["before"], case["after"]):
        body.pop(SEED, None)
    text = json.dumps(case)
    for number, found in enumerate(sorted(row["id"] for row in new.body.get("commands", ()))):
        text = text.replace(found, str(UUID(int=ASKED.int + number)))
    case = json.loads(text)
    for entry in case["entries"]:
        entry["at"] = iso(NOON)
    return case


def check_golden(name: str, cases: list[dict]) -> None:
    path = GOLDEN / f"{name}.json"
    text = json.dumps(cases, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.exists(), "a new case: write it down with WRITE_GOLDEN=1"
    assert path.read_text(encoding="utf-8") == text, "what is written down is stale: WRITE_GOLDEN=1, and look at it"


def test_nothing_is_written_down_that_is_no_case():
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(CASES)


HARNESS = """
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { open, reduce, toBody } from "./reduce.mjs";

const said = { failed: [], passed: 0 };
for (const path of process.argv.slice(2)) {
  for (const { name, stream, before, entries, after } of JSON.parse(readFileSync(path))) {
    const seq = entries[0].seq - 1;
    const events = (some) => ({ type: "events", stream, epoch: "e", entries: some });
    const start = () => open({ stream, epoch: "e", seq, body: structuredClone(before) });
    try {
      const whole = reduce(start(), events(entries));
      assert.deepEqual(toBody(whole), after);
      assert.equal(whole.seq, seq + entries.length);
      assert.equal(whole.hole, false);
      const one = entries.reduce((state, entry) => reduce(state, events([entry])), start());
      assert.deepEqual(toBody(one), after, "one by one");
      assert.deepEqual(toBody(reduce(whole, events(entries))), after, "told twice");
      const hole = reduce(start(), events([{ ...entries[0], seq: seq + 2 }]));
      assert.equal(hole.hole, true, "a hole is seen");
      assert.deepEqual(toBody(hole), before, "and nothing is applied beyond it");
      said.passed += 1;
    } catch (error) {
      said.failed.push(`${name} ${stream}: ${error.message}`);
    }
  }
}
console.log(JSON.stringify(said));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: the browser's reducer is not replayed")
def test_the_browsers_reducer_comes_to_the_same_snapshots(tmp_path):
    (tmp_path / "reduce.mjs").write_text(REDUCER.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "replay.mjs").write_text(HARNESS, encoding="utf-8")
    files = sorted(GOLDEN.glob("*.json"))
    command = ["node", str(tmp_path / "replay.mjs"), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["failed"] == []
    assert said["passed"] >= len(files)
