"""The frames of the feed (docs/feed-protocol.md): reads what a browser says, writes what it is told. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from calls.domain.actors import Actor
from calls.domain.roles import Capability
from calls.selectors.live import Snapshot, masked

STREAMS_LIMIT = 20
FRAME_LIMIT = 64 * 1024
PIECE_LIMIT = 500_000
"""Characters of a frame that are sent at once, at most 2 MB as they travel: below the limit that the server was started
with (realtime_ops.command_lines.FRAME_LIMIT), however long the words of 2,000 rows or of 10,000 turns are"""
TENANT = "tenant"


class BadFrame(ValueError):
    """A frame that this protocol does not have; the message says what to send."""


class TooMuch(ValueError):
    """A frame beyond the bounds of the protocol."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One stream that a browser follows, from where. `epoch` "" and `seq` -1: it has nothing yet."""

    stream: str
    epoch: str = ""
    seq: int = -1

    @property
    def code(self) -> UUID | None:
        """The call's code; None for the tenant's stream."""
        return None if self.stream == TENANT else UUID(self.stream.removeprefix("call:"))


@dataclass(frozen=True, slots=True)
class Hello:
    streams: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class Ack:
    pass


def read(text: str) -> Hello | Ack:
    """Raises BadFrame or TooMuch."""
    if len(text) > FRAME_LIMIT:
        raise TooMuch("a frame has at most 64 KB")
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadFrame("frames are JSON objects") from error
    if not isinstance(frame, dict):
        raise BadFrame("frames are JSON objects")
    if frame.get("type") == "ack":
        return Ack()
    if frame.get("type") != "hello":
        raise BadFrame("type must be hello or ack")
    streams = frame.get("streams")
    if not isinstance(streams, list):
        raise BadFrame("streams must be a list")
    if len(streams) > STREAMS_LIMIT:
        raise TooMuch(f"at most {STREAMS_LIMIT} streams can be followed")
    return Hello(tuple(_wanted(stream) for stream in streams))


def _wanted(given: Any) -> Wanted:
    if not isinstance(given, dict) or not isinstance(given.get("stream"), str):
        raise BadFrame("a stream is an object with `stream`")
    name, epoch, seq = given["stream"], given.get("epoch", ""), given.get("seq", -1)
    if not isinstance(epoch, str) or not isinstance(seq, int) or isinstance(seq, bool):
        raise BadFrame("epoch is a string, seq a whole number")
    if name == TENANT:
        return Wanted(TENANT, epoch, seq)
    kind, _, code = name.partition(":")
    try:
        if kind == "call":
            return Wanted(f"call:{UUID(code)}", epoch, seq)
    except ValueError:
        pass
    raise BadFrame("stream must be tenant or call:<code>")


def snapshot(found: Snapshot) -> str:
    return _frame("snapshot", stream=found.stream, epoch=found.epoch, seq=found.seq, body=found.body)


def events(stream: str, epoch: str, entries: Sequence[dict[str, Any]], *, reveal: bool) -> str:
    shown = list(entries) if reveal else [entry | {"body": masked(entry["body"])} for entry in entries]
    return _frame("events", stream=stream, epoch=epoch, entries=shown)


def mask_frame(frame: str) -> str:
    """A ready frame of entries, with callers masked."""
    read_back = json.loads(frame)
    return events(read_back["stream"], read_back["epoch"], read_back["entries"], reveal=False)


def present(stream: str, members: Sequence[dict[str, Any]], more: int) -> str:
    return _frame("present", stream=stream, members=members, more=more)


def pieces(frame: str) -> Iterator[str]:
    """The frame, or what a reader puts it together from: `left` says how many pieces follow."""
    if len(frame) <= PIECE_LIMIT:
        yield frame
        return
    starts = range(0, len(frame), PIECE_LIMIT)
    for left, start in zip(reversed(range(len(starts))), starts, strict=True):
        yield _frame("piece", left=left, text=frame[start : start + PIECE_LIMIT])


def gone(stream: str) -> str:
    return _frame("gone", stream=stream)


def heartbeat(at: str, heads: dict[str, int]) -> str:
    return _frame("heartbeat", at=at, heads=heads)


def role(actor: Actor) -> str:
    """What the reader may do from now on."""
    steers = actor.may(Capability.WHISPER) and actor.may(Capability.ACT)
    return _frame("role", role=actor.role, steers=steers, reveals=actor.may(Capability.REVEAL))


def error(code: str, message: str) -> str:
    return _frame("error", code=code, message=message)


def _frame(type_: str, **fields: Any) -> str:
    return orjson.dumps({"type": type_, **fields}).decode()
