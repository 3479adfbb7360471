"""Faults that strike a live call: frames no client should ever see, sockets that break.

Such frames go past the call's own books; the ledger calls them `struck` and they are no part of the truth. Only a flood
that is spoken is.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import orjson

from calls.simulator.faults import Fault
from calls.simulator.response import Plan
from calls.simulator.wire import Json

if TYPE_CHECKING:
    from calls.simulator.call import Call

OVERSIZED_BYTES = 5 * 1024 * 1024
FLOOD_FRAMES = 1000
NESTED = 10_000
SPOKEN_PER_S = 500.0
SPOKEN_WORDS = 2_000
"""Of one reply"""
TRANSCRIPT_DELTA = "response.output_audio_transcript.delta"


def strike(call: Call, fault: Fault) -> None:
    """Let the fault happen to the call now, if it is live."""
    if call.leg != "live":
        return
    call.ledger.write("struck", call_id=call.id, name=fault.name, sockets=len(call.sockets))
    if fault.name == "stall":
        for sideband in call.sockets:
            sideband.stalled = True
    elif fault.name == "flood" and fault.options.get("spoken"):
        call.spawn(
            _speak(call, float(fault.options.get("per_s", SPOKEN_PER_S)), float(fault.options.get("lasts_s", 5)))
        )
    elif fault.name.startswith("close_"):
        call.drop(int(fault.name.removeprefix("close_")), reset=bool(fault.options.get("reset")))
    else:
        for raw in _frames(call, fault):
            for sideband in call.sockets:
                sideband.send(raw)


async def _speak(call: Call, per_s: float, lasts_s: float) -> None:
    """The agent says very much very fast, one reply after the other. Unlike other strikes all of it is the truth."""
    until = time.monotonic() + lasts_s
    while call.leg == "live" and time.monotonic() < until:
        while (active := call.active) is not None:
            await active.finished.wait()
        words = int(min(SPOKEN_WORDS, per_s * max(0.5, until - time.monotonic())))
        await call.respond(Plan(" ".join(f"w{n}" for n in range(words)), pieces_per_s=per_s)).finished.wait()


def _frames(call: Call, fault: Fault) -> list[bytes]:
    match fault.name:
        case "malformed":
            return [b'{"type":"response.done","event_id":"event_', b"", b"[1,2", b'"text"']
        case "nested":
            return [b'{"type":"response.done","event_id":"event_z","response":' + b"[" * NESTED + b"]" * NESTED + b"}"]
        case "oversized":
            size = int(fault.options.get("bytes", OVERSIZED_BYTES))
            return [orjson.dumps({**_delta(call, ""), "type": "response.output_audio.delta", "delta": "A" * size})]
        case "unknown":
            return [orjson.dumps({"type": "session.weather.changed", "event_id": call.mint.event(), "sky": ["grey"]})]
        case "missing_fields":
            return [
                b'{"type":"response.done"}',
                b'{"type":"conversation.item.added","event_id":"event_x"}',
                b'{"type":"conversation.item.input_audio_transcription.completed","item_id":null}',
                b'{"event_id":"event_y"}',
            ]
        case "nul_and_surrogates":
            # Written as escapes: the JSON is valid, the text in it is not storable.
            raw = orjson.dumps(_delta(call, "@"))
            return [raw.replace(b'"@"', b'"a\\u0000b\\ud800c\\udfff"'), raw.replace(b'"@"', b"1e309")]
        case "flood":
            frames = int(fault.options.get("frames", FLOOD_FRAMES))
            return [orjson.dumps(_delta(call, f" {n}")) for n in range(frames)]
    return []


def _delta(call: Call, text: str) -> Json:
    """A delta for the agent's last message, which is over and so must not change."""
    item = call.conversation.last_spoken_by("assistant")
    return {
        "type": TRANSCRIPT_DELTA,
        "event_id": call.mint.event(),
        "response_id": "resp_struck",
        "item_id": item.id if item else "item_struck",
        "output_index": 0,
        "content_index": 0,
        "delta": text,
    }
