"""What really happened in a call, told from the script engine's own books when the call is over.

The yardstick of every comparison, so it uses nothing that the product computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from calls.simulator import voice
from calls.simulator.conversation import SPEAKERS, Item
from calls.simulator.wire import Json

if TYPE_CHECKING:
    from calls.simulator.call import Call


def told(call: Call) -> Json:
    invitation = call.birth.invitation
    kept = [turn(item) for item in call.conversation.items]
    return {
        "call_id": call.id,
        "account": call.birth.account,
        "scenario": call.birth.scenario,
        "from": invitation.caller,
        "to": invitation.dialled,
        "outcome": call.outcome,
        "accepts": call.accepts,
        "frames": call.frames,
        "started_at": call.started_at,
        "answered_at": call.answered_at or None,
        "ended_at": call.ended_at,
        "turns": kept + [turn(item) for item in call.conversation.deleted],
        "responses": call.tally.responses,
        "unfinished": [response.id for response in (call.active, *call.beside.values()) if response],
        "transcriptions": call.tally.transcriptions,
        "tokens": call.tally.sums(seen_only=False),
        "tokens_seen": call.tally.sums(seen_only=True),
    }


def turn(item: Item) -> Json:
    by_ear = item.kind == "message" and item.role == "user" and item.spoken
    return {
        "item_id": item.id,
        "kind": item.kind,
        "speaker": "tool" if item.kind == "tool_output" else SPEAKERS.get(item.role, item.role),
        # Words that were never transcribed cannot be known to anybody outside.
        "text": "" if by_ear and item.transcription != "completed" else item.text,
        "said": item.text,
        "full_ms": voice.milliseconds(item.text) if item.spoken else None,
        "heard_ms": item.heard_ms,
        "cut_off": item.cut_off,
        "status": item.status,
        "transcription": item.transcription,
        "name": item.name,
        "tool_call_id": item.tool_call_id,
        "arguments": item.arguments,
        "output": item.output,
        "deleted": item.deleted,
        "started_at": item.started_at,
        "final_at": item.final_at,
        "added_seen": item.added_seen,
        "final_seen": item.final_seen,
    }
