"""What the provider does with each event that a client sends over a sideband.

Answers with frames or an error that names the client's event id; never raises for foreign input.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from calls.simulator import improvise, ledger, sessions, wire
from calls.simulator.conversation import Item
from calls.simulator.response import Plan
from calls.simulator.sessions import Refusal, invalid, missing, unknown
from calls.simulator.voice import milliseconds
from calls.simulator.wire import Json

if TYPE_CHECKING:
    from calls.simulator.call import Call

LONGEST_ITEM_ID = 32
RESPONSE_FIELDS = frozenset(
    {
        "conversation", "input", "instructions", "tools", "tool_choice", "output_modalities", "audio",
        "max_output_tokens", "metadata", "prompt", "reasoning", "parallel_tool_calls",
    }
)  # fmt: skip
PARTS = {
    "user": {"input_text", "input_audio", "input_image"},
    "system": {"input_text"},
    "assistant": {"output_text", "output_audio"},
}


class Refused(Exception):
    """The client's event is not taken."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def receive(call: Call, raw: str | bytes) -> None:
    """Take one frame of a client."""
    event = ledger.readable(raw)
    call.ledger.write("client_frame", call_id=call.id, event=event)
    echoed = event.get("event_id") if isinstance(event, dict) else None
    try:
        _handle(call, event)
    except Refused as refused:
        why = refused.refusal
        event_id = echoed if isinstance(echoed, str) else None
        call.emit(wire.error(why.code, why.message, param=why.param, event_id=event_id))
    except (TypeError, ValueError, AttributeError, KeyError):
        # A value of a type that nobody checked: the client's mistake, and no reason to lose the socket.
        event_id = echoed if isinstance(echoed, str) else None
        call.emit(wire.error("invalid_value", "A value has the wrong type.", event_id=event_id))


def _handle(call: Call, event: object) -> None:
    if not isinstance(event, dict) or "unreadable" in event:
        raise Refused(Refusal("invalid_event", "The event is not a valid JSON object."))
    if not isinstance(event.get("type"), str):
        raise Refused(Refusal("invalid_event", "The 'type' field is missing."))
    handler = HANDLERS.get(event["type"])
    if handler is None:
        raise Refused(invalid("type", f"Invalid value: '{event['type']}'."))
    handler(call, event)


def _update_session(call: Call, event: Json) -> None:
    update = event.get("session")
    if (refusal := sessions.problem(update)) is not None:
        raise Refused(refusal)
    assert isinstance(update, dict)  # noqa: S101 - `problem` has seen to it
    if "model" in update and update["model"] != call.session["model"]:
        raise Refused(invalid("session.model", "The model of a session cannot be changed."))
    voice = ((update.get("audio") or {}).get("output") or {}).get("voice")
    if voice and voice != call.session["audio"]["output"]["voice"] and call.has_spoken:
        message = "Cannot update a conversation's voice if assistant audio is present."
        raise Refused(Refusal("cannot_update_voice", message, "session.audio.output.voice"))
    before = call.session["instructions"]
    call.session = sessions.changed(call.session, update)
    if call.session["instructions"] != before:
        call.notes.append(improvise.new_instructions(call.session["instructions"]))
    call.emit(wire.session("updated", call.session))


# -- conversation items


def _create_item(call: Call, event: Json) -> None:
    given = event.get("item")
    if not isinstance(given, dict):
        raise Refused(missing("item"))
    item = _item(call, given)
    after = event.get("previous_item_id")
    if after is not None and after != "root" and call.conversation.find(after) is None:
        raise Refused(_not_found("previous_item_id", after))
    if call.fault("item_never_added") is not None:
        return
    item.started_at = time.time()
    previous = call.conversation.add(item, after)
    item.added_seen = call.emit(wire.item_added(item.as_sent(), previous))
    item.final(time.time(), call.emit(wire.item_done(item.as_sent(), previous)))
    if item.kind == "tool_output":
        call.tool_answered.set()
    elif item.role == "system" and item.text:
        call.notes.append(improvise.told(item.text))


def _item(call: Call, given: Json) -> Item:
    item_id = given.get("id") or call.mint.item()
    if not isinstance(item_id, str) or len(item_id) > LONGEST_ITEM_ID:
        message = f"Invalid 'item.id': string too long. Expected a maximum length of {LONGEST_ITEM_ID}."
        raise Refused(Refusal("string_above_max_length", message, "item.id"))
    if call.conversation.find(item_id) is not None:
        raise Refused(invalid("item.id", f"An item with id '{item_id}' already exists."))
    match given.get("type"):
        case "message":
            return _message(item_id, given)
        case "function_call_output":
            for field in ("call_id", "output"):
                if not isinstance(given.get(field), str):
                    raise Refused(missing(f"item.{field}"))
            return Item(item_id, "tool_output", "tool", tool_call_id=given["call_id"], output=given["output"])
        case "function_call":
            return Item(
                item_id,
                "tool_call",
                "assistant",
                name=str(given.get("name")),
                tool_call_id=given.get("call_id") or call.mint.tool_call(),
                arguments=str(given.get("arguments", "")),
            )
        case None:
            raise Refused(missing("item.type"))
        case other:
            raise Refused(invalid("item.type", f"Invalid value: '{other}'."))


def _message(item_id: str, given: Json) -> Item:
    role, content = given.get("role"), given.get("content")
    if role not in PARTS:
        raise Refused(missing("item.role") if role is None else invalid("item.role", f"Invalid value: '{role}'."))
    if not isinstance(content, list) or not content:
        raise Refused(missing("item.content"))
    for n, part in enumerate(content):
        if not isinstance(part, dict) or part.get("type") not in PARTS[role]:
            raise Refused(invalid(f"item.content[{n}].type", f"Not a content type of a {role} message."))
        for field in ("text", "transcript"):
            if not isinstance(part.get(field), str | None):
                raise Refused(invalid(f"item.content[{n}].{field}", "Expected a string."))
    text = " ".join(part.get("text") or part.get("transcript") or "" for part in content).strip()
    return Item(item_id, "message", role, text=text, content=content)


def _not_found(param: str, item_id: object) -> Refusal:
    return Refusal("item_not_found", f"Item with id '{item_id}' not found.", param)


def _found(call: Call, event: Json) -> Item:
    item = call.conversation.find(event.get("item_id"))
    if item is None:
        raise Refused(_not_found("item_id", event.get("item_id")))
    return item


def _retrieve_item(call: Call, event: Json) -> None:
    item = _found(call, event)
    seen = call.emit(wire.item_retrieved(item.as_retrieved()))
    if item.final_at is not None and item.heard_ms is None:
        item.final(time.time(), seen)


def _delete_item(call: Call, event: Json) -> None:
    item = _found(call, event)
    call.conversation.delete(item)
    call.emit(wire.item_deleted(item.id))


def _truncate_item(call: Call, event: Json) -> None:
    item = _found(call, event)
    end = event.get("audio_end_ms")
    if item.role != "assistant" or not item.spoken:
        raise Refused(invalid("item_id", "Only spoken messages of the assistant can be truncated."))
    if not isinstance(end, int) or not 0 <= end <= milliseconds(item.text):
        length = milliseconds(item.text)
        raise Refused(invalid("audio_end_ms", f"Audio content of {length}ms is already shorter than {end}ms"))
    item.heard_ms, item.cut_off = end, True
    call.emit(wire.item_truncated(item.id, end))


# -- responses and sound


def _create_response(call: Call, event: Json) -> None:
    asked = event.get("response") or {}
    if not isinstance(asked, dict):
        raise Refused(invalid("response", "Expected an object."))
    for field in asked:
        if field not in RESPONSE_FIELDS:
            raise Refused(unknown(f"response.{field}"))
    if not isinstance(asked.get("instructions"), str | None):
        raise Refused(invalid("response.instructions", "Expected a string."))
    if not _metadata(asked.get("metadata")):
        raise Refused(invalid("response.metadata", "Expected at most 16 pairs of short strings."))
    aloud = (asked.get("output_modalities") or call.session["output_modalities"]) == ["audio"]
    beside = asked.get("conversation") == "none"
    if not beside and call.active is not None:
        message = f"Conversation already has an active response in progress: {call.active.id}."
        raise Refused(Refusal("conversation_already_has_active_response", message))
    text = improvise.beside(asked) if beside else improvise.reply(call, asked)
    plan = Plan(text, aloud=aloud, in_conversation=not beside, metadata=asked.get("metadata"))
    call.respond(plan)


def _metadata(given: object) -> bool:
    """At most 16 pairs, keys up to 64 characters, values up to 512."""
    if given is None:
        return True
    return (
        isinstance(given, dict)
        and len(given) <= 16
        and all(isinstance(value, str) and len(value) <= 512 and len(key) <= 64 for key, value in given.items())
    )


def _cancel_response(call: Call, event: Json) -> None:
    wanted = event.get("response_id")
    response = call.active if wanted is None or (call.active and call.active.id == wanted) else None
    if response is None and isinstance(wanted, str):
        response = call.beside.get(wanted)
    if response is None:
        raise Refused(Refusal("response_cancel_not_active", "Cancellation failed: no active response found"))
    response.cut("client_cancelled")


def _clear_sound(call: Call, event: Json) -> None:
    call.playback.truncated(call.playback.silence())


def _commit_input(call: Call, event: Json) -> None:
    message = "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio."
    raise Refused(Refusal("input_audio_buffer_commit_empty", message))


def _clear_input(call: Call, event: Json) -> None:
    call.emit(wire.input_cleared())


def _ignore(call: Call, event: Json) -> None:
    """Sound that a client appends: the caller's telephone is the only one we listen to."""


HANDLERS: dict[str, Callable[[Call, Json], None]] = {
    "session.update": _update_session,
    "conversation.item.create": _create_item,
    "conversation.item.retrieve": _retrieve_item,
    "conversation.item.delete": _delete_item,
    "conversation.item.truncate": _truncate_item,
    "response.create": _create_response,
    "response.cancel": _cancel_response,
    "output_audio_buffer.clear": _clear_sound,
    "input_audio_buffer.append": _ignore,
    "input_audio_buffer.commit": _commit_input,
    "input_audio_buffer.clear": _clear_input,
}
