"""The client events that carry out commands, as plain values in the GA dialect. Sends nothing.

Each bears an event_id that names its command, since the provider's errors echo it; success events never do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from calls.domain.commands import Command, Verb

Frame = Mapping[str, Any]

GREETING_ID = "greeting"
EVENT_ID = re.compile(r"cmd_([0-9a-f]{32})(?:_2)?")


def item_id_of(command: Command) -> str:
    """Return the id of the item that an Inform creates: 32 characters, the longest that the API takes."""
    return command.id.hex


def mark_of(command: Command) -> str:
    """Return what the response of a Say carries as metadata."""
    return command.id.hex


def frames_for(command: Command, attempt: int, running: str, asked_for: str = "") -> list[Frame]:
    """Return the frames of a command of the sideband; `running` is the id of the active response, or
    empty; `asked_for` the item that a Probe asks for.
    """
    first = f"cmd_{command.id.hex}"
    event_id = first if attempt < 2 else f"{first}_2"
    text = clean(command.text)
    match command.verb:
        case Verb.INFORM:
            item = {
                "id": item_id_of(command),
                "type": "message",
                "role": "system",
                "content": [{"type": "input_text", "text": text}],
            }
            return [{"type": "conversation.item.create", "event_id": event_id, "item": item}]
        case Verb.INSTRUCT:
            session = {"type": "realtime", "instructions": text}
            return [{"type": "session.update", "event_id": event_id, "session": session}]
        case Verb.SESSION:
            session = {"type": "realtime", **command.settings}
            return [{"type": "session.update", "event_id": event_id, "session": session}]
        case Verb.PROBE:
            # Without an item to ask for it asks for one that does not exist: the refusal is an answer, too.
            wanted = asked_for or item_id_of(command)
            return [{"type": "conversation.item.retrieve", "event_id": event_id, "item_id": wanted}]
        case Verb.SAY:
            return [response(f'Say exactly this to the caller, word for word: "{text}"', event_id, command)]
        case Verb.STOP_TALKING:
            cancel = {"type": "response.cancel", "event_id": first}
            if running:
                cancel["response_id"] = running
            return [cancel, {"type": "output_audio_buffer.clear", "event_id": f"{first}_2"}]
        case _:
            return []


def response(instructions: str, event_id: str, command: Command | None = None) -> Frame:
    wanted: dict[str, Any] = {"instructions": instructions}
    if command is not None:
        wanted["metadata"] = {"command": mark_of(command)}
    return {"type": "response.create", "event_id": event_id, "response": wanted}


def greeting(instructions: str) -> Frame:
    """Return the frame that has the agent speak first."""
    return response(instructions, GREETING_ID)


def retrieve(item_id: str) -> Frame:
    return {"type": "conversation.item.retrieve", "event_id": f"get_{item_id}", "item_id": item_id}


def clean(text: str) -> str:
    """A frame is UTF-8 without NUL; a lone surrogate from a form has no place in it."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
