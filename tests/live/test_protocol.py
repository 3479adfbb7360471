"""The frames of the feed, read and written. Pure."""

from __future__ import annotations

import json

import pytest

from calls.live import protocol
from calls.live.protocol import Ack, BadFrame, Hello, TooMuch, Wanted
from calls.selectors.live import Snapshot
from realtime_ops import command_lines

CODE = "0a0b0c0d-0000-4000-8000-000000000001"


def hello(*streams):
    return json.dumps({"type": "hello", "streams": streams})


def test_hello_names_streams_and_positions():
    read = protocol.read(hello({"stream": "tenant"}, {"stream": f"call:{CODE}", "epoch": "e", "seq": 12}))
    assert read == Hello((Wanted("tenant", "", -1), Wanted(f"call:{CODE}", "e", 12)))
    assert [str(wanted.code) for wanted in read.streams] == ["None", CODE]


def test_hello_may_follow_nothing_and_an_ack_says_nothing():
    assert protocol.read(hello()) == Hello(())
    assert protocol.read('{"type":"ack","more":1}') == Ack()


def test_a_code_is_the_same_however_it_is_written():
    for written in (CODE.upper(), CODE.replace("-", ""), f"{{{CODE}}}"):
        assert protocol.read(hello({"stream": f"call:{written}"})).streams[0].stream == f"call:{CODE}"


BAD = [
    "", "{", "[]", "1", "null", '"hello"', "{}", '{"type":"nonsense"}', '{"type":"hello"}', "[" * 60_000,
    '{"type":"hello","streams":{}}', '{"type":"hello","streams":["tenant"]}', '{"type":"hello","streams":[{}]}',
    '{"type":"hello","streams":[{"stream":"call:1"}]}', '{"type":"hello","streams":[{"stream":"tenant","seq":"1"}]}',
    '{"type":"hello","streams":[{"stream":"tenant","seq":true}]}',
    '{"type":"hello","streams":[{"stream":"tenant","epoch":5}]}',
]  # fmt: skip


@pytest.mark.parametrize("text", BAD)
def test_what_the_protocol_does_not_have_is_a_bad_frame(text):
    with pytest.raises(BadFrame):
        protocol.read(text)


@pytest.mark.parametrize("text", [hello(*[{"stream": "tenant"}] * 21), json.dumps({"type": "ack", "x": "x" * 65_536})])
def test_what_is_beyond_the_bounds_is_too_much(text):
    with pytest.raises(TooMuch):
        protocol.read(text)


def test_twenty_streams_are_not_too_many():
    assert len(protocol.read(hello(*[{"stream": "tenant"}] * 20)).streams) == 20


def test_a_ready_frame_is_masked_where_it_holds_a_number():
    entries = [
        {"seq": 1, "kind": "call", "at": "t", "body": {"code": "x", "from": "+441632960017"}},
        {"seq": 2, "kind": "turn", "at": "t", "body": {"text": "I am from +441632960017"}},
    ]
    masked = json.loads(protocol.mask_frame(protocol.events("tenant", "e", entries, reveal=True)))
    assert masked["entries"][0]["body"] == {"code": "x", "from": "+44 •••• 0017"}
    assert masked["entries"][1] == entries[1]
    assert {key: masked[key] for key in ("type", "stream", "epoch")} == {
        "type": "events",
        "stream": "tenant",
        "epoch": "e",
    }


def test_the_other_frames_are_as_the_protocol_says():
    assert json.loads(protocol.gone("tenant")) == {"type": "gone", "stream": "tenant"}
    assert json.loads(protocol.heartbeat("t", {"tenant": 3})) == {
        "type": "heartbeat",
        "at": "t",
        "heads": {"tenant": 3},
    }
    assert json.loads(protocol.error("4400", "m")) == {"type": "error", "code": "4400", "message": "m"}


def joined(pieces):
    told = [json.loads(piece) for piece in pieces]
    assert [one["left"] for one in told] == list(reversed(range(len(told))))
    return json.loads("".join(one["text"] for one in told))


def test_a_frame_that_fits_is_sent_as_it_is():
    frame = protocol.gone("tenant")
    assert list(protocol.pieces(frame)) == [frame]


@pytest.mark.parametrize(
    "words", ['"\\' * 120, "\x1f" * 240, "👋" * 240, "ж" * 240], ids=["quotes", "controls", "emoji", "cyrillic"]
)
def test_the_largest_snapshot_of_a_tenant_fits_the_servers_limit_in_pieces(words):
    row = {"code": CODE, "detail": (words * 3)[:500], "last_words": words, "agent": words[:80], "rest": "x" * 600}
    talk = {f"{number:036}": [["caller", "2026-11-20T12:00:00.000Z", None]] * 16 for number in range(2_000)}
    body = {"rows": [row] * 2_000, "talk": talk}
    frame = protocol.snapshot(Snapshot("tenant", "e", 7, body))
    pieces = list(protocol.pieces(frame))
    assert len(pieces) > 1
    assert max(len(piece.encode()) for piece in pieces) < int(command_lines.FRAME_LIMIT)
    assert joined(pieces)["body"] == body


def test_words_travel_as_they_are_written():
    frame = protocol.snapshot(Snapshot("call:x", "e", 7, {"turns": [{"text": "Доброе утро 👋"}]}))
    assert "Доброе утро 👋" in frame
