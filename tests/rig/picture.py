"""What a screen knows of the streams that it follows: the reducer of docs/feed-protocol.md, in Python. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]


@dataclass
class Stream:
    """One stream: its position and the body of its snapshot, kept up to date."""

    epoch: str
    seq: int
    body: Body
    words: dict[str, Body] = field(default_factory=dict)
    """Open turns by item, from hints"""


class Picture:
    """Takes frames in the order of their arrival; `wants_hello` after a hole."""

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}
        self.gone: set[str] = set()
        self.errors: list[str] = []
        self.holes = 0
        self.wants_hello = False

    def take(self, frame: Body) -> None:
        match frame["type"]:
            case "snapshot":
                self.streams[frame["stream"]] = Stream(frame["epoch"], frame["seq"], frame["body"])
            case "events":
                self._events(frame)
            case "hint":
                if stream := self.streams.get(frame["stream"]):
                    _hint(frame["stream"], stream, frame["hints"])
            case "gone":
                self.gone.add(frame["stream"])
            case "heartbeat":
                late = [name for name, seq in frame["heads"].items() if self._behind(name, seq)]
                self.wants_hello = self.wants_hello or bool(late)
            case "error":
                self.errors.append(frame["code"])

    def positions(self) -> list[Body]:
        return [{"stream": name, "epoch": each.epoch, "seq": each.seq} for name, each in self.streams.items()]

    def row(self, code: str) -> Body:
        """A call's row on the live page; empty when it is not there."""
        stream = self.streams.get("tenant")
        rows = stream.body["rows"] if stream else []
        return next((row for row in rows if row["code"] == code), {})

    def call(self, code: str) -> Body:
        """The body of a call's own stream; empty before its snapshot."""
        stream = self.streams.get(f"call:{code}")
        return stream.body if stream else {}

    def _behind(self, name: str, head: int) -> bool:
        return name in self.streams and head > self.streams[name].seq

    def _events(self, frame: Body) -> None:
        stream = self.streams.get(frame["stream"])
        if stream is None or frame["epoch"] != stream.epoch:
            self.wants_hello = True
            return
        for entry in frame["entries"]:
            if entry["seq"] <= stream.seq:
                continue
            if entry["seq"] != stream.seq + 1:
                self.holes += 1
                self.wants_hello = True
                return
            stream.seq = entry["seq"]
            _reduce(frame["stream"], stream, entry)


def _reduce(name: str, stream: Stream, entry: Body) -> None:
    kind, given, body = entry["kind"], entry["body"], stream.body
    if name == "tenant":
        _merge(body["rows"], given, ("code",))
        return
    match kind:
        case "call":
            body["call"] |= given
        case "turn":
            stream.words.pop(given["item_id"], None)
            _merge(body["turns"], given, ("item_id",), whole=True)
            body["turns"].sort(key=lambda turn: turn["rank"])
        case "usage":
            _merge(body["usage"], given, ("kind", "ref_id"), whole=True)
        case "gap":
            _merge(body["gaps"], given, ("started_at",), whole=True)
        case "command":
            _merge(body["commands"], given, ("id",))
        case "session":
            body["session"] = given
        case "note":
            body["notes"].append(given | {"seq": entry["seq"]})


def _merge(rows: list[Body], given: Body, key: tuple[str, ...], *, whole: bool = False) -> None:
    for n, row in enumerate(rows):
        if all(row.get(part) == given.get(part) for part in key):
            rows[n] = given if whole else row | given
            return
    rows.append(dict(given))


def _hint(name: str, stream: Stream, hints: list[Body]) -> None:
    for hint in hints:
        given = hint["body"]
        if hint["kind"] == "partial":
            known = stream.words.get(given["item_id"], {"text": ""})
            stream.words[given["item_id"]] = given | {"text": known["text"][: given["offset"]] + given["text"]}
        elif name != "tenant":
            stream.body["call"] |= given
        elif any(row["code"] == given["code"] for row in stream.body["rows"]):
            _merge(stream.body["rows"], given, ("code",))
