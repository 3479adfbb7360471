"""What must hold after every run, whatever was broken in it. Pure, over the histories; each returns what is wrong."""

from __future__ import annotations

import collections
import itertools
import math
from collections.abc import Callable, Iterator, Sequence

from calls.simulator.compare import BUCKETS, Report, compare, instant, number
from tests.faults.histories import Histories, Row, Screen
from tests.faults.silence import overmarked, uncovered

Check = Callable[[Histories], Iterator[str]]
OVER = frozenset({"confirmed", "refused", "not_confirmed", "expired", "cancelled"})
LIVE = frozenset({"ringing", "accepted", "active", "transferring"})
SETTLED_WITHIN_S = 30.0
"""A command is settled by then, and by so much later as the fault states that nobody could settle it"""
ROW_STAYS_S = 30.0
"""A call that is over keeps its row in a list of the calls for so long …"""
ROW_SLACK_S = 2.0
"""… less what the provider's record and the product's own may differ by"""
SHOWN = 5
"""Findings of one kind that are told one by one"""


def broken(histories: Histories) -> list[str]:
    """Every invariant that does not hold, with the first findings of each."""
    found = []
    for name, check in CHECKS.items():
        wrong = list(check(histories))
        found += [f"{name}: {one}" for one in wrong[:SHOWN]]
        if len(wrong) > SHOWN:
            found.append(f"{name}: … and {len(wrong) - SHOWN} more")
    return found


def report(histories: Histories) -> Report:
    """The comparison of truth and database, by the simulator's own yardstick."""
    stored = histories.stored
    return compare(
        [histories.ledger.truths[call] for call in histories.calls if call in histories.ledger.truths],
        list(stored.calls.values()),
        stored.turns,
        stored.usage,
        stored.gaps,
    )


def every_call_is_known_and_over(histories: Histories) -> Iterator[str]:
    for call in histories.calls:
        row = histories.stored.calls.get(call)
        if call not in histories.ledger.truths:
            yield f"{call} is not over at the provider"
        elif row is None and any(200 <= (line["status"] or 0) < 300 for line in histories.ledger.webhooks if line["call_id"] == call):  # fmt: skip
            yield f"{call} was announced, answered with 2xx, and is not stored"
        elif row is not None and (row["state"] in LIVE or row["ended_at"] is None):
            yield f"{call} is {row['state']} though it is over"


def one_accept(histories: Histories) -> Iterator[str]:
    taken = collections.Counter(
        line["call_id"] for line in histories.ledger.http if line["verb"] == "accept" and line["status"] == 200
    )
    for call in histories.calls:
        accepts = histories.ledger.truths.get(call, {}).get("accepts", 0)
        if max(accepts, taken[call]) > 1:
            yield f"{call} was accepted {max(accepts, taken[call])} times"


def epochs_only_grow(histories: Histories) -> Iterator[str]:
    last: dict[str, int] = {}
    for row in histories.stored.taken:
        if row["after"] <= row["before"] or row["before"] < last.get(row["call_id"], 0):
            yield f"{row['call_id']}: {row['before']} → {row['after']} by {row['app']}"
        last[row["call_id"]] = max(last.get(row["call_id"], 0), row["after"])
    for call, row in histories.stored.calls.items():
        if row["epoch"] < last.get(call, 0):
            yield f"{call} ended at {row['epoch']}, after {last[call]}"


def no_stale_row(histories: Histories) -> Iterator[str]:
    """Under an epoch only the worker that took it writes (web and jobs hold no lease and need none), and when it is dead
    its heirs, of calls of which it left something in its spool."""
    taker = {(row["call_id"], row["after"]): row["app"] for row in histories.stored.taken}
    for row in histories.stored.written:
        owner = taker.get((row["call_id"], row["epoch"]))
        dead_at, left = histories.inherited.get(owner or "", (math.inf, ()))
        is_heir = row["at"] > dead_at and row["call_id"] in left
        if row["app"].startswith("sideband") and row["app"] != owner and not is_heir:
            yield f"{row['call_id']}: {row['app']} wrote under epoch {row['epoch']} of {owner}"


def numbers_are_dense(histories: Histories) -> Iterator[str]:
    for call, row in histories.stored.calls.items():
        seqs = histories.stored.seqs.get(call, [])
        if seqs != list(range(1, row["last_seq"] + 1)):
            missing = sorted(set(range(1, row["last_seq"] + 1)) - set(seqs))[:5]
            yield f"{call}: {len(seqs)} entries of {row['last_seq']}, missing {missing}"
    for tenant, (head, lowest, highest, count) in histories.stored.tenant_streams.items():
        if not (highest == head and count == head - lowest + 1):
            yield f"stream of {tenant}: {count} entries in {lowest}…{highest}, head {head}"


def nothing_is_lost_unmarked(histories: Histories) -> Iterator[str]:
    """Every turn and every bill of the ledger is stored as it was, or lies in a gap; nothing is invented or doubled."""
    for one in report(histories).differences:
        yield f"{one.kind} {one.call_id} {one.about} {one.detail}".rstrip()


def every_silence_is_marked(histories: Histories) -> Iterator[str]:
    """What a gap does not mark was heard."""
    if histories.clocks_agree:
        for call, seconds in uncovered(histories, listened_again=True).items():
            yield f"nobody listened to {call} for {seconds:.1f} s that no gap marks"


def no_gap_excuses_what_was_heard(histories: Histories) -> Iterator[str]:
    """Gaps mark silence, and a gap excuses whatever is not stored: so they may be no longer than it was."""
    if histories.clocks_agree:
        for call, seconds in overmarked(histories).items():
            if seconds > histories.deaf.get(call, 0.0):
                yield f"gaps of {call} mark {seconds:.1f} s too much: it had a socket"


def usage_adds_up(histories: Histories) -> Iterator[str]:
    """Sums of tokens are the provider's, or the call says that they are incomplete."""
    columns = list(BUCKETS.values())
    sums: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for row in histories.stored.usage:
        if row["kind"] == "response":
            sums[row["call_id"]].update({column: int(number(row[column])) for column in columns})
    for call in histories.calls:
        truth, row = histories.ledger.truths.get(call), histories.stored.calls.get(call)
        if truth is None or row is None or row["usage_incomplete"]:
            continue
        mine = {column: sum(bill[bucket] for bill in truth["responses"]) for bucket, column in BUCKETS.items()}
        theirs = {column: sums[call][column] for column in columns}
        if mine != theirs:
            yield f"{call}: {sum(mine.values())} tokens used, {sum(theirs.values())} stored, not marked incomplete"


def commands_are_settled(histories: Histories) -> Iterator[str]:
    for row in histories.stored.commands:
        if row["state"] not in OVER or row["settled_at"] is None:
            yield f"{row['verb']} {row['id']} is {row['state']}"
            continue
        took = (row["settled_at"] - row["requested_at"]).total_seconds()
        if took > SETTLED_WITHIN_S + histories.outage_s and histories.clocks_agree:
            yield f"{row['verb']} {row['id']} was settled ({row['state']}) after {took:.1f} s"
    known = {row["id"] for row in histories.stored.commands}
    for one in histories.asked:
        if one.status == 201 and one.id not in known:
            yield f"{one.verb} {one.id} was taken and is not stored"


def effects(histories: Histories) -> dict[str, collections.Counter[str]]:
    """What operators' commands did at the provider: kind → of what → how often."""
    found: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for line in histories.ledger.http:
        if line["status"] == 200 and line["verb"] in {"hangup", "refer"}:
            found[line["verb"]][line["call_id"]] += 1
    for mark in histories.ledger.marks:
        # Responses that began, not frames that asked for one: what the provider refused may be asked for again.
        if mark["state"] == "responding" and "command" in mark["metadata"]:
            found["response"][mark["metadata"]["command"]] += 1
    return found


def nothing_is_done_twice(histories: Histories) -> Iterator[str]:
    found = effects(histories)
    for mark, times in found["response"].items():
        if times > 1:
            yield f"command {mark} made {times} responses"
    asked = collections.Counter((row["call_id"], row["verb"]) for row in histories.stored.commands)
    for verb, command in (("hangup", "hang_up"), ("refer", "transfer")):
        for call, times in found[verb].items():
            allowed = asked[call, command] if verb == "refer" else min(1, asked[call, command])
            if times > allowed:
                yield f"{verb} of {call}: {times} effects of {asked[call, command]} commands"
    for truth in histories.ledger.truths.values():
        ids = collections.Counter(turn["item_id"] for turn in truth["turns"])
        for item, times in ids.items():
            if times > 1:
                yield f"item {item} of {truth['call_id']} was added {times} times"


def screens_show_what_is_stored(histories: Histories) -> Iterator[str]:
    for number_, screen in enumerate(histories.screens):
        for stream in screen.followed:
            for wrong in _stream_is_wrong(histories, screen, stream):
                yield f"screen {number_} of {screen.tenant}, {stream}: {wrong}"


def _stream_is_wrong(histories: Histories, screen: Screen, stream: str) -> Iterator[str]:
    if stream not in screen.streams:
        yield "was never shown"
        return
    seq, body = screen.streams[stream]
    stored = histories.stored
    if stream == "tenant":
        head = stored.tenant_streams[screen.tenant][0]
        if seq != head:
            yield f"stands at {seq} of {head}"
        shown = {row["code"]: row["state"] for row in body["rows"]}
        if len(shown) != len(body["rows"]):
            yield "a call is shown twice"
        over = _over_at(histories)
        for call, row in stored.calls.items():
            if row["tenant"] != screen.tenant:
                continue
            if row["code"] not in shown:
                # Only what was over for long when the screen was last told the whole list may be missing on it.
                if over.get(call, math.inf) > screen.listed_at - ROW_STAYS_S + ROW_SLACK_S:
                    yield f"{row['code']} is missing in the list"
            elif shown[row["code"]] != row["state"]:
                yield f"{row['code']} is shown as {shown[row['code']]}, and is {row['state']}"
        return
    row = next((row for row in stored.calls.values() if f"call:{row['code']}" == stream), None)
    if row is None:
        yield "shows a call that is not stored"
        return
    call = row["call_id"]
    if seq != row["last_seq"]:
        yield f"stands at {seq} of {row['last_seq']}"
    ids = [turn["item_id"] for turn in body["turns"]]
    if len(ids) != len(set(ids)):
        yield "a turn is shown twice"
    shown_turns = {turn["item_id"]: (turn["text"], turn["status"], turn["heard_text"]) for turn in body["turns"]}
    kept = {t["item_id"]: (t["text"], t["status"], t["heard_text"]) for t in stored.turns if t["call_id"] == call}
    if shown_turns != kept:
        wrong = sorted(item for item in shown_turns.keys() | kept.keys() if shown_turns.get(item) != kept.get(item))
        yield f"{len(wrong)} turns differ: {wrong[:3]}"
    if ids != [t["item_id"] for t in sorted(stored.turns, key=lambda t: t["position"]) if t["call_id"] == call]:
        yield "turns stand in another order"
    for name, mine, theirs in (
        ("gaps", _gaps(body["gaps"]), _gaps([gap for gap in stored.gaps if gap["call_id"] == call])),
        (
            "usage",
            sorted(bill["ref_id"] for bill in body["usage"]),
            sorted(u["response_id"] or u["item_id"] for u in stored.usage if u["call_id"] == call),
        ),
        (
            "commands",
            sorted((one["id"], one["state"]) for one in body["commands"]),
            sorted((one["id"], one["state"]) for one in stored.commands if one["call_id"] == call),
        ),
    ):
        if mine != theirs:
            yield f"{name} differ: {mine} shown, {theirs} stored"
    if body["call"]["state"] != row["state"]:
        yield f"is shown as {body['call']['state']}, and is {row['state']}"


def _gaps(rows: Sequence[Row]) -> list[tuple[int, int, str]]:
    """When each began and ended, in whole seconds (screens are told fractions, not all of them), and why."""
    return sorted(
        (int(instant(row["started_at"]) or 0), int(instant(row["ended_at"]) or 0), row["cause"]) for row in rows
    )


def _over_at(histories: Histories) -> dict[str, float]:
    """When each call was over, by the provider's record or the product's own, whichever was first."""
    over = {mark["call_id"]: mark["at"] for mark in histories.ledger.marks if mark["state"] == "ended"}
    if histories.clocks_agree:
        for call, row in histories.stored.calls.items():
            over[call] = min(over.get(call, math.inf), instant(row["ended_at"]) or math.inf)
    return over


def no_live_call_is_unseen(histories: Histories) -> Iterator[str]:
    """When all was whole again and the calls still lived, every list of its tenant had them."""
    for tenant, code, shown in histories.unlisted:
        yield f"{code} lives, and a screen of {tenant} shows {shown or 'nothing of it'}"


def no_screen_was_turned_away(histories: Histories) -> Iterator[str]:
    for screen in histories.screens:
        for error in screen.errors:
            yield f"a screen of {screen.tenant} was told {error}"


def everything_asked_is_audited(histories: Histories) -> Iterator[str]:
    audited = collections.Counter(histories.stored.audited)
    known = {row["id"] for row in histories.stored.commands}
    for command in known:
        if audited[command] != 1:
            yield f"command {command} has {audited[command]} audit rows"
    for command in audited.keys() - known:
        yield f"the audit knows a command {command} that is not stored"


def tenants_stay_apart(histories: Histories) -> Iterator[str]:
    if histories.stored.strays:
        yield f"{histories.stored.strays} rows belong to one tenant and to the call of another"
    foreign = collections.defaultdict(list)
    for call, row in histories.stored.calls.items():
        foreign[row["tenant"]] += [call, row["code"]]
        if row["tenant"] != histories.tenant_of[call]:
            yield f"{call} of {histories.tenant_of[call]} is stored with {row['tenant']}"
    for screen in histories.screens:
        for tenant, words in foreign.items():
            if tenant == screen.tenant:
                continue
            for word in itertools.chain(words, [histories.names[tenant]]):
                if word in screen.raw:
                    yield f"a screen of {screen.tenant} was told {word} of {tenant}"


def logs_are_clean(histories: Histories) -> Iterator[str]:
    yield from histories.logs


def nobody_died(histories: Histories) -> Iterator[str]:
    for name in histories.deaths:
        yield f"{name} ended by itself"


CHECKS: dict[str, Check] = {
    "ended": every_call_is_known_and_over,
    "accepts": one_accept,
    "epochs": epochs_only_grow,
    "stale": no_stale_row,
    "numbers": numbers_are_dense,
    "ledger": nothing_is_lost_unmarked,
    "silence": every_silence_is_marked,
    "gaps": no_gap_excuses_what_was_heard,
    "usage": usage_adds_up,
    "commands": commands_are_settled,
    "effects": nothing_is_done_twice,
    "screens": screens_show_what_is_stored,
    "unseen": no_live_call_is_unseen,
    "turned away": no_screen_was_turned_away,
    "audit": everything_asked_is_audited,
    "tenants": tenants_stay_apart,
    "logs": logs_are_clean,
    "deaths": nobody_died,
}
