"""The position of one subscription: what to do with entries that arrive. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    DELIVER = "deliver"
    SKIP = "skip"
    """All of it was delivered before"""
    READ = "read"
    """There is a hole, or an overlap: read PostgreSQL from the position on"""
    RESET = "reset"
    """Another epoch: the past is gone, send a snapshot"""


@dataclass(slots=True)
class Cursor:
    """Where a reader stands in one stream."""

    epoch: str
    seq: int

    def judge(self, epoch: str, first: int, last: int) -> Verdict:
        """Say what to do with entries `first` to `last`; delivering is noted by `advance`."""
        if epoch != self.epoch:
            return Verdict.RESET
        if last <= self.seq:
            return Verdict.SKIP
        return Verdict.DELIVER if first == self.seq + 1 else Verdict.READ

    def advance(self, last: int) -> None:
        self.seq = max(self.seq, last)
