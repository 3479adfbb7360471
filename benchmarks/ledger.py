"""What the simulator sent in a stretch of time, from its ledger: to count it, to time it, to send it again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

DELTAS = (b"audio_transcript.delta", b"audio_transcription.delta")
_EVENT = b',"event":'


@dataclass(frozen=True, slots=True)
class Frame:
    at: float
    call_id: str
    raw: bytes
    """The frame's own JSON, as it went over the socket"""


def frames(ledger: Path, since: float, until: float) -> Iterator[Frame]:
    """Frames that somebody was there to receive, in order."""
    with ledger.open("rb") as lines:
        for line in lines:
            if not line.startswith(b'{"kind":"frame","at":') or b'"sockets":0,' in line[:200]:
                continue
            at = float(line[21 : line.index(b",", 21)])
            if at > until:
                continue
            if at >= since:
                start = line.index(b'"call_id":"') + 11
                yield Frame(
                    at, line[start : line.index(b'"', start)].decode(), line[line.index(_EVENT) + len(_EVENT) : -2]
                )


def words(ledger: Path, since: float, until: float, call_ids: Set[str]) -> Iterator[tuple[str, int, float]]:
    """(item, up to which character, when it was sent) of every piece of speech of these calls."""
    so_far: dict[str, int] = {}
    for frame in frames(ledger, 0, until):
        if frame.call_id not in call_ids or not any(kind in frame.raw[:120] for kind in DELTAS):
            continue
        event = json.loads(frame.raw)
        item = event["item_id"]
        so_far[item] = so_far.get(item, 0) + len(event["delta"])
        if frame.at >= since:
            yield item, so_far[item], frame.at


def delays(sent: Iterator[tuple[str, int, float]], arrived: dict[str, list[tuple[float, float]]]) -> list[float]:
    """Seconds from each piece of speech to the first frame on a screen that had it; endless for what never came."""
    return [
        next((when for when, reached in arrived.get(item, ()) if reached >= upto), float("inf")) - at
        for item, upto, at in sent
    ]
