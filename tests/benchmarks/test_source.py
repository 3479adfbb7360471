"""The source of the benchmarks sends what the simulator would: whole conversations, to the end of every word."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import orjson
import pytest

from benchmarks.sent import Sent
from benchmarks.source import conversations
from benchmarks.source.conversations import EVENTS_PER_S, Conversation
from benchmarks.source.playing import SENT
from calls.providers.realtime import decode


@pytest.fixture(scope="module")
def conversation() -> Conversation:
    return conversations.prepared(count=1)[0]


def test_a_conversation_goes_on_at_its_pace(conversation: Conversation) -> None:
    assert all(early <= late for early, late in pairwise(conversation.times))
    assert len(conversation.frames) / conversation.times[-1] == pytest.approx(EVENTS_PER_S, rel=0.1)


def test_every_utterance_that_ends_has_all_its_pieces(conversation: Conversation) -> None:
    said: dict[str, str] = {}
    finals = 0
    for raw in conversation.frames:
        event = orjson.loads(raw)
        match event["type"]:
            case "response.output_audio_transcript.delta" | "conversation.item.input_audio_transcription.delta":
                said[event["item_id"]] = said.get(event["item_id"], "") + event["delta"]
            case "response.output_audio_transcript.done" | "conversation.item.input_audio_transcription.completed":
                finals += 1
                assert said[event["item_id"]] == event["transcript"]
    assert finals > 50


def test_the_product_understands_each_of_its_frames(conversation: Conversation) -> None:
    names = {type(decode(raw)).__name__ for raw in conversation.frames}
    assert not names & {"Unrecognised", "Malformed"}
    assert len(names) > 10


def test_what_was_sent_is_told_from_the_files(tmp_path: Path, conversation: Conversation) -> None:
    rang = {"kind": "mark", "at": 100.0, "call_id": "rtc_1", "state": "ringing", "number": 7, "conversation": 0}
    taken = {"kind": "http", "at": 100.25, "call_id": "rtc_1", "verb": "accept", "status": 200}
    missed = rang | {"call_id": "rtc_2", "number": 8}
    (tmp_path / "ledger.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in (rang, taken, missed)))
    (tmp_path / "sent.bin").write_bytes(b"".join(SENT.pack(101.0 + n, 7, n, 0) for n in range(30)))
    sent = Sent(tmp_path, [conversation])

    assert [frame.raw for frame in sent.frames(102, 104)] == list(conversation.frames[1:4])
    assert sent.accepts() == ([0.25], 1)
    words = list(sent.words(0, 200, {"rtc_1"}))
    first = words[0]
    assert conversation.frames[int(first.at - 101)].count(first.item.encode()) == 1
    assert [word.upto for word in words if word.item == first.item] == sorted(
        {word.upto for word in words if word.item == first.item}
    )
