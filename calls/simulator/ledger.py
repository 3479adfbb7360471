"""The simulator's own record of everything it sent, received and knows to be true, as JSON lines.

Writes off the hot path; never drops a line: past its bound it writes at once instead.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import threading
import time
from pathlib import Path
from typing import BinaryIO, Literal

import orjson

from calls.simulator.wire import Json

Detail = Literal["full", "types"]
BOUND_BYTES = 16 * 1024 * 1024
FLUSH_SECONDS = 0.5
TAIL = 5000
IDENTIFIERS = ("event_id", "item_id", "response_id", "status")


class Ledger:
    """Lines of kind webhook, http, frame, client_frame, mark, struck and truth, each with its wall time."""

    def __init__(self, path: Path | None = None, detail: Detail = "full") -> None:
        self.path = path
        self.detail = detail
        self.lines: collections.Counter[str] = collections.Counter()
        self.truths: collections.deque[Json] = collections.deque(maxlen=TAIL)
        self.tail: collections.deque[Json] = collections.deque(maxlen=TAIL)
        """The last lines except frames, for the control port."""
        self._file: BinaryIO | None = path.open("ab") if path else None
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._writing = threading.Lock()

    def frame(self, call_id: str, sockets: int, event: Json, raw: bytes) -> None:
        self.lines["frame"] += 1
        if self._file is None:
            return
        if self.detail == "types":
            raw = orjson.dumps(_short(event))
        self._put(
            b'{"kind":"frame","at":%.6f,"call_id":"%s","sockets":%d,"event":%s}\n'
            % (time.time(), call_id.encode(), sockets, raw)
        )

    def write(self, kind: str, **fields: object) -> None:
        self.lines[kind] += 1
        line = {"kind": kind, "at": time.time(), **fields}
        (self.truths if kind == "truth" else self.tail).append(line)
        if self._file is not None:
            self._put(orjson.dumps(line) + b"\n")

    def _put(self, line: bytes) -> None:
        self._waiting.append(line)
        self._waiting_bytes += len(line)
        if self._waiting_bytes > BOUND_BYTES:
            self._write(self._taken())

    def _taken(self) -> list[bytes]:
        taken, self._waiting, self._waiting_bytes = self._waiting, [], 0
        return taken

    def _write(self, lines: list[bytes]) -> None:
        with self._writing:
            if self._file is not None:
                self._file.writelines(lines)
                self._file.flush()

    async def flush(self) -> None:
        if self._waiting:
            await asyncio.to_thread(self._write, self._taken())

    async def keep_flushing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def close(self) -> None:
        await self.flush()
        with self._writing:
            if self._file is not None:
                self._file.close()
                self._file = None


def _short(event: Json) -> Json:
    """Type and ids only, wherever they hide."""
    short = {"type": event["type"]}
    for part in (event, event.get("item"), event.get("response")):
        if isinstance(part, dict):
            short |= {key: part[key] for key in (*IDENTIFIERS, "id") if key in part}
    return short


def readable(raw: str | bytes) -> object:
    """A client's frame for the record, even when it is not JSON."""
    with contextlib.suppress(orjson.JSONDecodeError):
        return orjson.loads(raw)
    text = raw if isinstance(raw, str) else raw.decode(errors="replace")
    return {"unreadable": text[:1000].encode(errors="replace").decode()}
