"""What waits in memory to be stored, by call. Bounded: `crowded` says when something has to go elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from calls.actions.ingest import Batch, CallRef
from calls.domain.changes import Numbered
from calls.sideband.shedding import shed, weight

CALL_CHANGES = 2_000
CALL_BYTES = 4 * 2**20
"""Of one call: five minutes of talk or more"""
CHANGES = 50_000
"""Of the process, unless the installation has set another bound …"""
BYTES = 128 * 2**20
"""… and this one in any case"""
COLUMNS_EVERY_S = 2.0
"""Columns without an entry (floor, last words, when a call was last heard) are only the first paint's: they wait so
long for an entry of their call to go with, then go alone."""
KEPT = 0.75
"""Share of a bound that is left where the bound was hit and nothing else helps"""


@dataclass(slots=True)
class _Waiting:
    batch: Batch
    bytes: int = 0


class Backlog:
    """Takes changes in order and gives them back in order, call by call."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most or CHANGES
        self._of: dict[int, _Waiting] = {}
        """For the next flush"""
        self._aside: dict[int, tuple[float, _Waiting]] = {}
        """Columns alone, and when they are due, the oldest first. A call has a batch here or above, not both"""
        self.changes = 0
        self.bytes = 0
        self.crowded = False
        """A bound was reached since the last `take` of everything, or `relieve`"""

    def add(self, ref: CallRef, changes: Sequence[Numbered], columns: dict[str, Any]) -> None:
        """Take what came later than all the rest of its call."""
        waiting = self._batch(ref)
        waiting.batch.add(changes, columns)
        if not changes:
            return
        if self._aside.pop(ref.id, None) is not None:
            self._of[ref.id] = waiting
        size = sum(map(weight, changes))
        waiting.bytes += size
        self.bytes += size
        self.changes += len(changes)
        if (
            len(waiting.batch.changes) >= CALL_CHANGES
            or waiting.bytes >= CALL_BYTES
            or self.changes >= self.most
            or self.bytes >= BYTES
        ):
            self.crowded = True

    def heard(self, ref: CallRef) -> None:
        """The provider was heard at `ref.heard_at`: goes with whatever goes next of this call."""
        if ref.id not in self._of and ref.id not in self._aside:
            self._batch(ref)

    def idle_s(self) -> float:
        """How long there is nothing to take while no numbered change comes."""
        due = next((due for due, _ in self._aside.values()), None)
        return COLUMNS_EVERY_S if due is None else max(0.0, due - time.monotonic())

    def ripen(self, due: float) -> None:
        """Columns alone that are due by then go with the next `take`."""
        for call, (_, waiting) in list(takewhile(lambda one: one[1][0] <= due, self._aside.items())):
            del self._aside[call]
            self._of[call] = waiting

    def take(self, most: int, flush: int) -> list[Batch]:
        """Up to so many changes, sealed under this number; a call that has more keeps the rest waiting."""
        taken: list[Batch] = []
        for call, waiting in list(self._of.items()):
            if most <= 0:
                break
            del self._of[call]
            self._forget(waiting)
            batch = waiting.batch
            if len(batch.changes) > most:
                self.add(batch.ref, batch.changes[most:], batch.columns)
                batch = Batch(batch.ref, batch.changes[:most])
            elif batch.ref.heard_at is not None:
                # Never before all that was heard until then is taken: a gap would begin after it.
                batch.columns["last_event_at"] = batch.ref.heard_at
            batch.flush = flush
            taken.append(batch)
            most -= len(batch.changes)
        if not self._of:
            self.crowded = False
        return taken

    def has(self, call: int) -> bool:
        return call in self._of or call in self._aside

    def put_back(self, batches: Sequence[Batch]) -> None:
        """What was taken and could not be brought away, oldest first: it is older than all that waits."""
        later = [waiting.batch for waiting in self._of.values()]
        later += [waiting.batch for _, waiting in self._aside.values()]
        self._of, self._aside = {}, {}
        self.changes = self.bytes = 0
        for batch in (*batches, *later):
            self.add(batch.ref, batch.changes, batch.columns)

    def relieve(self) -> int:
        """Drop the least valuable of what waits until every bound is kept; returns how many changes went."""
        share = KEPT if self.changes >= self.most or self.bytes >= BYTES else 1.0
        dropped = 0
        for waiting in self._of.values():
            batch = waiting.batch
            full = len(batch.changes) >= CALL_CHANGES or waiting.bytes >= CALL_BYTES
            if not full and share == 1.0:
                continue
            most = min(len(batch.changes) * share, CALL_CHANGES * KEPT)
            self._forget(waiting)
            dropped += shed(batch, int(most), int(min(waiting.bytes * share, CALL_BYTES * KEPT)))
            waiting.bytes = sum(map(weight, batch.changes))
            self.bytes += waiting.bytes
            self.changes += len(batch.changes)
        self.crowded = False
        return dropped

    def _batch(self, ref: CallRef) -> _Waiting:
        """What waits of a call, perhaps nothing yet."""
        waiting = self._of.get(ref.id)
        if waiting is None and ref.id in self._aside:
            _, waiting = self._aside[ref.id]
        if waiting is None or waiting.batch.ref.epoch < ref.epoch:
            # What waits under an older lease would be fenced.
            if waiting is not None:
                self._forget(waiting)
            self._of.pop(ref.id, None)
            self._aside.pop(ref.id, None)
            waiting = _Waiting(Batch(ref))
            self._aside[ref.id] = time.monotonic() + COLUMNS_EVERY_S, waiting
        return waiting

    def _forget(self, waiting: _Waiting) -> None:
        self.bytes -= waiting.bytes
        self.changes -= len(waiting.batch.changes)
