"""The openai SDK's types as the judge of frames: real validation, and no unknown field."""

from __future__ import annotations

from typing import Any, get_args

from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel

UNDECLARED = {"obfuscation"}
"""Sent by the live service, absent from the types."""
SESSION_EXTRAS = {"id", "object", "expires_at", "speed"}

MODELS: dict[str, type[BaseModel]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(get_args(RealtimeServerEvent)[0])
}


def check(frame: dict[str, Any]) -> None:
    """Raise unless the frame is a valid event of its type."""
    model = MODELS[frame["type"]]
    event = model.model_validate(frame)
    assert extras(event) <= UNDECLARED | (SESSION_EXTRAS if frame["type"].startswith("session.") else set()), frame
    if "event_id" in model.model_fields:
        assert frame["event_id"].startswith("event_"), frame


def extras(model: BaseModel) -> set[str]:
    """Undeclared field names, at any depth."""
    found = set(model.model_extra or ())
    for name in model.model_fields_set:
        value = getattr(model, name, None)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, BaseModel):
                found |= extras(one)
    return found
