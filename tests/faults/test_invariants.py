"""A checker that cannot fail proves nothing: histories that are whole pass, and each way of breaking them is found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults import figures, invariants, silence
from tests.faults.histories import Asked, Histories, Ledger, Screen, Stored

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
AT = NOON.timestamp()
CALL, CODE = "rtc_a", "11111111-0000-0000-0000-000000000001"
OTHER, OTHER_CODE = "rtc_g", "22222222-0000-0000-0000-000000000002"
TOKENS = dict.fromkeys(invariants.BUCKETS, 0) | {"input_text": 10, "output_text": 5}
STORED_TOKENS = {column: TOKENS[bucket] for bucket, column in invariants.BUCKETS.items()}


def _truth(call: str) -> dict:
    turn = {
        "item_id": f"item_{call}", "kind": "message", "speaker": "agent", "text": "Hello.", "arguments": "",
        "output": "", "name": "", "heard_ms": None, "deleted": False, "started_at": AT + 1, "final_at": AT + 2,
        "added_seen": True, "final_seen": True,
    }  # fmt: skip
    response = {"response_id": f"resp_{call}", "seen": True, "at": AT + 2, **TOKENS}
    return {
        "call_id": call, "accepts": 1, "outcome": "caller_hang_up", "from": "+1", "to": "+2", "frames": 20,
        "turns": [turn], "responses": [response], "transcriptions": [], "unfinished": [],
    }  # fmt: skip


def _row(call: str, code: str, tenant: str, number: int) -> dict:
    return {
        "call_id": call, "id": number, "code": code, "tenant": tenant, "state": "ended", "end_reason": "x", "epoch": 2,
        "last_seq": 3, "takeovers": 1, "ended_at": NOON + timedelta(seconds=9), "usage_incomplete": False, "from": "+1", "to": "+2",
    }  # fmt: skip


def _screen(call: str, code: str, tenant: str, command: str = "") -> Screen:
    body = {
        "call": {"state": "ended"},
        "turns": [{"item_id": f"item_{call}", "text": "Hello.", "status": "completed", "heard_text": None}],
        "gaps": [],
        "usage": [{"ref_id": f"resp_{call}"}],
        "commands": [{"id": command, "state": "confirmed"}] if command else [],
    }
    rows = {"rows": [{"code": code, "state": "ended"}]}
    streams = {"tenant": (4, rows), f"call:{code}": (3, body)}
    return Screen(tenant, streams, tuple(streams), raw=f"told of {code}")


def whole() -> Histories:
    """Two calls of two tenants, each taken over once; a command, confirmed."""
    calls = {CALL: _row(CALL, CODE, "acme", 1), OTHER: _row(OTHER, OTHER_CODE, "globex", 2)}
    turns = [
        {
            "call_id": call, "item_id": f"item_{call}", "kind": "message", "speaker": "agent", "text": "Hello.",
            "heard_text": None, "name": "", "status": "completed", "position": 1, "arguments": None, "output": None,
            "transcription": None,
        }
        for call in calls
    ]  # fmt: skip
    usage = [
        {"call_id": call, "kind": "response", "response_id": f"resp_{call}", "item_id": None, "state": "complete",
         "seconds": None, **STORED_TOKENS}
        for call in calls
    ]  # fmt: skip
    command = {
        "id": "cmd", "call_id": CALL, "verb": "say", "state": "confirmed", "requested_at": NOON,
        "settled_at": NOON + timedelta(seconds=2), "detail": "",
    }  # fmt: skip
    taken = [
        {"app": app, "call_id": call, "before": epoch - 1, "after": epoch, "at": AT}
        for call in calls
        for epoch, app in ((1, "sideband-1"), (2, "sideband-2"))
    ]
    written = [
        {"app": app, "call_id": call, "epoch": epoch, "at": AT + epoch}
        for call in calls
        for epoch, app in ((0, "web"), (1, "sideband-1"), (2, "sideband-2"))
    ]
    said = {"call_id": CALL, "state": "responding", "metadata": {"command": "cmd"}, "at": AT + 1}
    marks = [
        {"call_id": call, "state": state, "sockets": sockets, "at": AT + at}
        for call in calls
        for state, sockets, at in (("ringing", 0, 0), ("attached", 1, 0.5), ("ended", 0, 9), ("detached", 0, 9.1))
    ]
    return Histories(
        calls=list(calls),
        tenant_of={CALL: "acme", OTHER: "globex"},
        names={"acme": "Acme Health", "globex": "Globex Travel"},
        ledger=Ledger(
            truths={call: _truth(call) for call in calls},
            http=[{"call_id": call, "verb": "accept", "status": 200, "at": AT} for call in calls],
            webhooks=[{"call_id": call, "attempt": 1, "status": 200, "at": AT} for call in calls],
            marks=[said, *marks],
        ),
        stored=Stored(
            calls=calls,
            seqs={call: [1, 2, 3] for call in calls},
            tenant_streams={"acme": (4, 1, 4, 4), "globex": (4, 1, 4, 4)},
            turns=turns,
            usage=usage,
            commands=[command],
            audited=["cmd"],
            written=written,
            taken=taken,
        ),
        screens=[_screen(CALL, CODE, "acme", "cmd"), _screen(OTHER, OTHER_CODE, "globex")],
        asked=[Asked(CALL, "say", AT, 201, "cmd")],
    )


def _shown(histories: Histories) -> dict:
    return histories.screens[0].streams[f"call:{CODE}"][1]


def _gap(since: float, until: float) -> dict:
    started, ended = (NOON + timedelta(seconds=at) for at in (since, until))
    return {"call_id": CALL, "cause": "owner_lost", "started_at": started, "ended_at": ended}


def _overmark(histories: Histories) -> None:
    """A gap of 11 s in a call that lasts for 20, and had a socket."""
    histories.ledger.marks = [_mark("ringing", 0), _mark("attached", 0.5, 1), _mark("ended", 20)]
    histories.stored.gaps.append(_gap(1, 12))
    _shown(histories)["gaps"].append(_shown_gap(1, 12))


def _shown_gap(since: float, until: float) -> dict:
    gap = _gap(since, until)
    return {key: gap[key].isoformat() for key in ("started_at", "ended_at")} | {"cause": gap["cause"]}


def _breakages() -> dict[str, tuple[str, Callable[[Histories], object]]]:
    """What is done to the histories → the invariant that must say so."""
    return {
        "never over at the provider": ("ended", lambda h: h.ledger.truths.pop(CALL)),
        "a zombie": ("ended", lambda h: h.stored.calls[CALL].update(state="active", ended_at=None)),
        "announced and not stored": ("ended", lambda h: h.stored.calls.pop(CALL)),
        "a silence that no gap marks": (
            "silence",
            lambda h: h.ledger.marks.extend([_mark("detached", 2), _mark("attached", 5, 1)]),
        ),
        "a gap over what was heard": ("gaps", lambda h: _overmark(h)),
        "accepted twice": ("accepts", lambda h: h.ledger.http.append(h.ledger.http[0])),
        "accepted twice by its own books": ("accepts", lambda h: h.ledger.truths[CALL].update(accepts=2)),
        "an epoch that falls": ("epochs", lambda h: h.stored.taken[1].update(before=1, after=1)),
        "an epoch that was rolled back": ("epochs", lambda h: h.stored.calls[CALL].update(epoch=1)),
        "a write of the old owner": (
            "stale",
            lambda h: h.stored.written.append({"app": "sideband-1", "call_id": CALL, "epoch": 2, "at": AT + 5}),
        ),
        "a write without any lease": (
            "stale",
            lambda h: h.stored.written.append({"app": "sideband-2", "call_id": CALL, "epoch": 0, "at": AT + 5}),
        ),
        "an heir that writes while the owner lives": ("stale", lambda h: _inherit(h, dead_at=AT + 6, left=[CALL])),
        "an heir of a call of which nothing was left": ("stale", lambda h: _inherit(h, dead_at=AT + 4, left=[OTHER])),
        "a number is missing": ("numbers", lambda h: h.stored.seqs[CALL].remove(2)),
        "a number too many": ("numbers", lambda h: h.stored.seqs[CALL].append(4)),
        "a hole in the tenant's stream": ("numbers", lambda h: h.stored.tenant_streams.update(acme=(4, 1, 4, 3))),
        "a turn is lost": ("ledger", lambda h: h.stored.turns.pop(0)),
        "a turn is stored twice": ("ledger", lambda h: h.stored.turns.append(h.stored.turns[0])),
        "a turn is invented": ("ledger", lambda h: h.stored.turns[0].update(item_id="item_x")),
        "other words": ("ledger", lambda h: h.stored.turns[0].update(text="Hallo.")),
        "a bill is lost": ("ledger", lambda h: h.stored.usage.pop(0)),
        "other tokens": ("ledger", lambda h: h.stored.usage[0].update(input_text_tokens=11)),
        "a bill that nobody saw, not marked": (
            "usage",
            lambda h: h.ledger.truths[CALL]["responses"].append(
                {"response_id": "r2", "seen": False, "at": AT, **TOKENS}
            ),
        ),
        "a command hangs": ("commands", lambda h: h.stored.commands[0].update(state="sent", settled_at=None)),
        "a command takes too long": (
            "commands",
            lambda h: h.stored.commands[0].update(settled_at=NOON + timedelta(seconds=60)),
        ),
        "a command that was taken is gone": ("commands", lambda h: h.asked.append(Asked(CALL, "say", AT, 201, "gone"))),
        "said twice": ("effects", lambda h: h.ledger.marks.append(h.ledger.marks[0])),
        "hung up by nobody": (
            "effects",
            lambda h: h.ledger.http.append({"call_id": CALL, "verb": "hangup", "status": 200, "at": AT}),
        ),
        "transferred by nobody": (
            "effects",
            lambda h: h.ledger.http.append({"call_id": CALL, "verb": "refer", "status": 200, "at": AT}),
        ),
        "an item was added twice": (
            "effects",
            lambda h: h.ledger.truths[CALL]["turns"].append(h.ledger.truths[CALL]["turns"][0]),
        ),
        "a screen that never showed its call": ("screens", lambda h: h.screens[0].streams.pop(f"call:{CODE}")),
        "a screen that stands still": (
            "screens",
            lambda h: h.screens[0].streams.update({f"call:{CODE}": (2, _shown(h))}),
        ),
        "a screen of the tenant that stands still": (
            "screens",
            lambda h: h.screens[0].streams.update(tenant=(3, {"rows": []})),
        ),
        "a row in another state": (
            "screens",
            lambda h: h.screens[0].streams["tenant"][1]["rows"][0].update(state="active"),
        ),
        "a call that came later, and is in no list": (
            "screens",
            lambda h: h.screens[0].streams["tenant"][1]["rows"].clear(),
        ),
        "a call that was over for a moment, and is in no list": (
            "screens",
            lambda h: (setattr(h.screens[0], "listed_at", AT + 36), h.screens[0].streams["tenant"][1]["rows"].clear()),
        ),
        "a live call that no list has": ("unseen", lambda h: setattr(h, "unlisted", [("acme", CODE, "")])),
        "a turn twice on the screen": ("screens", lambda h: _shown(h)["turns"].append(_shown(h)["turns"][0])),
        "a turn missing on the screen": ("screens", lambda h: _shown(h)["turns"].clear()),
        "other words on the screen": ("screens", lambda h: _shown(h)["turns"][0].update(text="Hallo.")),
        "no bill on the screen": ("screens", lambda h: _shown(h)["usage"].clear()),
        "a gap that is only on the screen": ("screens", lambda h: _shown(h)["gaps"].append(_shown_gap(1, 3))),
        "other times of a gap on the screen": (
            "screens",
            lambda h: (h.stored.gaps.append(_gap(1, 3)), _shown(h)["gaps"].append(_shown_gap(1, 4))),
        ),
        "a command in another state": ("screens", lambda h: _shown(h)["commands"][0].update(state="sent")),
        "an open call on the screen": ("screens", lambda h: _shown(h)["call"].update(state="active")),
        "a screen was turned away": ("turned away", lambda h: setattr(h.screens[0], "errors", ["4408"])),
        "no audit row": ("audit", lambda h: h.stored.audited.clear()),
        "two audit rows": ("audit", lambda h: h.stored.audited.append("cmd")),
        "an audit row of nothing": ("audit", lambda h: h.stored.audited.append("other")),
        "another tenant's code on a screen": (
            "tenants",
            lambda h: setattr(h.screens[0], "raw", f"told of {OTHER_CODE}"),
        ),
        "another tenant's name on a screen": ("tenants", lambda h: setattr(h.screens[1], "raw", "Acme Health")),
        "a call stored with another tenant": ("tenants", lambda h: h.stored.calls[CALL].update(tenant="globex")),
        "rows that stray": ("tenants", lambda h: setattr(h.stored, "strays", 1)),
        "an error in a log": ("logs", lambda h: setattr(h, "logs", ["web: Traceback"])),
        "a process that died": ("deaths", lambda h: setattr(h, "deaths", ["web"])),
    }


def test_whole_histories_break_nothing():
    assert invariants.broken(whole()) == []


@pytest.mark.parametrize("name", _breakages())
def test_every_breakage_is_found(name):
    invariant, breaks = _breakages()[name]
    histories = copy.deepcopy(whole())
    breaks(histories)
    assert invariant in {line.partition(":")[0] for line in invariants.broken(histories)}


def test_every_invariant_can_fail():
    assert {invariant for invariant, _ in _breakages().values()} == invariants.CHECKS.keys()


def test_a_lost_turn_is_excused_by_a_gap_around_its_end():
    histories = whole()
    histories.stored.turns.pop(0)
    _shown(histories)["turns"].clear()
    histories.stored.gaps.append(_gap(1, 3))
    _shown(histories)["gaps"].append(_shown_gap(1, 3))
    assert invariants.broken(histories) == []
    assert figures.of(histories, AT)["lost_attached"] == 1


def _inherit(histories: Histories, dead_at: float, left: list[str]) -> None:
    """sideband-1 writes under the epoch of sideband-2, which left a spool."""
    histories.stored.written.append({"app": "sideband-1", "call_id": CALL, "epoch": 2, "at": AT + 5})
    histories.inherited = {"sideband-2": (dead_at, left)}


def test_an_heir_writes_under_the_epoch_of_the_dead():
    histories = whole()
    _inherit(histories, dead_at=AT + 4, left=[CALL])
    assert invariants.broken(histories) == []


def test_a_list_that_came_long_after_the_end_of_a_call_may_be_without_it():
    histories = whole()
    histories.screens[0].listed_at = AT + 38  # over at 9, and a row stays for 30 s
    histories.screens[0].streams["tenant"][1]["rows"].clear()
    assert invariants.broken(histories) == []


def test_a_command_has_thirty_seconds_beside_the_stated_outage():
    histories = whole()
    histories.stored.commands[0]["settled_at"] = NOON + timedelta(seconds=31)
    assert [line.partition(":")[0] for line in invariants.broken(histories)] == ["commands"]
    histories.outage_s = 5
    assert invariants.broken(histories) == []


def test_a_bill_that_nobody_saw_is_excused_by_the_mark():
    histories = whole()
    _breakages()["a bill that nobody saw, not marked"][1](histories)
    histories.stored.calls[CALL]["usage_incomplete"] = True
    assert invariants.broken(histories) == []


def test_many_findings_of_one_kind_are_counted():
    histories = whole()
    histories.logs = [f"web: error {n}" for n in range(9)]
    assert invariants.broken(histories)[-1] == "logs: … and 4 more"


def _mark(state: str, at: float, sockets: int = 0) -> dict:
    return {"call_id": CALL, "state": state, "sockets": sockets, "at": AT + at}


def test_stretches_without_a_socket_are_measured_and_compared_with_gaps():
    histories = whole()
    histories.ledger.marks = [
        _mark("ringing", 0),
        _mark("attached", 1, 1),
        _mark("detached", 3),
        _mark("attached", 5, 1),
        _mark("attached", 6, 2),
        _mark("detached", 7, 1),
        _mark("dropped", 8),
        _mark("detached", 8),
        _mark("ended", 11),
        _mark("detached", 11),
    ]
    assert figures.reattached(histories, AT) == [2]
    assert figures.reattached(histories, AT + 6) == []
    assert silence.uncovered(histories) == {CALL: pytest.approx(1 + 2)}
    assert silence.uncovered(histories, listened_again=True) == {CALL: pytest.approx(1)}
    histories.stored.gaps.append(_gap(3, 5))
    assert silence.uncovered(histories, listened_again=True) == {}
    assert silence.uncovered(histories) == {CALL: pytest.approx(2)}
    assert silence.overmarked(histories) == {CALL: 0}


@pytest.mark.parametrize(
    ("since", "until", "too_much"), [(3, 5, 0), (2, 8, 0), (7, 19, 12 - 9), (0, None, 17 - 9), (19, 40, 0)]
)
def test_what_gaps_mark_beside_the_silence_is_measured(since, until, too_much):
    histories = whole()
    histories.ledger.marks = [
        _mark("attached", 1, 1),
        _mark("detached", 3),
        _mark("attached", 5, 1),
        _mark("ended", 20),
    ]
    gap = _gap(since, until or 0)
    histories.stored.gaps.append(gap if until else gap | {"ended_at": None})
    assert silence.overmarked(histories) == {CALL: pytest.approx(too_much)}


def test_a_gap_is_excused_by_what_the_fault_states():
    histories = whole()
    _overmark(histories)
    assert [line.partition(":")[0] for line in invariants.broken(histories)] == ["gaps"]
    histories.deaf = {OTHER: 2}
    assert [line.partition(":")[0] for line in invariants.broken(histories)] == ["gaps"]
    histories.deaf = {CALL: 2}
    assert invariants.broken(histories) == []


def test_quantiles_are_values_that_occurred():
    assert figures.quantile([], 0.5) is None
    assert figures.quantile([1, 2, 3, 4], 0.5) == 2
    assert figures.quantile([1, 2, 3, 4], 0.95) == 4
