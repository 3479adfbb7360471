"""What a run measured, out of its histories: the keys of its JSON line. Pure; judges nothing."""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence
from typing import Any

from calls.simulator.compare import instant
from tests.faults.histories import Histories, Row
from tests.faults.invariants import effects, no_stale_row, report
from tests.faults.silence import blind, overmarked, uncovered


def of(histories: Histories, injected_at: float) -> dict[str, Any]:
    compared = report(histories)
    kinds = collections.Counter(one.kind for one in compared.differences)
    stored, ledger = histories.stored, histories.ledger
    back = reattached(histories, injected_at)
    done = effects(histories)
    doubled = [times - 1 for mark, times in done["response"].items() if times > 1]
    doubled += [times - 1 for times in done["hangup"].values() if times > 1]
    return {
        "emitted": sum(truth["frames"] for truth in ledger.truths.values()),
        "stored": sum(row["last_seq"] for row in stored.calls.values()),
        "lost_attached": compared.compared["turns_lost_in_gaps"] + kinds["missing_turn"] + kinds["missing_usage"],
        "gap_rows": len(stored.gaps),
        "gap_max_s": round(max(map(_seconds, stored.gaps), default=0.0), 1),
        "gap_overmarked_s": round(max(overmarked(histories).values(), default=0.0), 2),
        "gap_uncovered_s": round(sum(uncovered(histories).values()), 2),
        "dup_rows": kinds["duplicate_turn"] + kinds["duplicate_usage"] + kinds["duplicate_call"],
        "stale_epoch_rows": len(list(no_stale_row(histories))),
        "takeovers": sum(row["takeovers"] for row in stored.calls.values()),
        "reattached": len(back),
        "reattach_p50_s": quantile(back, 0.5),
        "reattach_p95_s": quantile(back, 0.95),
        "reattach_max_s": quantile(back, 1),
        "screen_holes": sum(screen.holes for screen in histories.screens),
        "screen_dups": sum(
            len(body["turns"]) - len({turn["item_id"] for turn in body["turns"]})
            for screen in histories.screens
            for stream, (_, body) in screen.streams.items()
            if stream != "tenant"
        ),
        "screens_whole_after_s": round(max((one.caught_up_after_s for one in histories.screens), default=0.0), 1),
        "cmds": len(stored.commands),
        "cmd_double_effect": sum(doubled),
        "http5xx": sum(1 for line in ledger.webhooks if (line["status"] or 0) >= 500)
        + sum(1 for one in histories.asked if one.status >= 500),
    }


def _seconds(gap: Row) -> float:
    """Of a gap that has an end; those of calls that are over have one."""
    start, end = instant(gap["started_at"]), instant(gap["ended_at"])
    return 0.0 if start is None or end is None else end - start


def reattached(histories: Histories, injected_at: float) -> list[float]:
    """Seconds without any socket, of every time after the injection that a live call lost its last and got another."""
    return sorted(
        end - start for spans in blind(histories).values() for start, end, again in spans if again and end > injected_at
    )


def quantile(sorted_: Sequence[float], share: float) -> float | None:
    """The value below which that share lies; None of nothing."""
    if not sorted_:
        return None
    return round(sorted_[min(len(sorted_) - 1, math.ceil(share * len(sorted_)) - 1)], 2)
