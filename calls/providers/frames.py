"""Reads the parts that frames share: texts, numbers, items, responses, usage, sessions. Trusts no type and no
size.

Bounds: an id 200 characters (a longer one is unreadable, since cutting would confuse two items), a text
100,000 characters, a name 200, a provider's message 500, an event type 100; 128 items in a response, 64 parts
in an item, 16 rate limits and 16 pairs of metadata; a session 2,000 values, 8 levels deep. What is beyond is
cut off. The columns of the database are as wide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from calls.domain import usage
from calls.domain.events import Content, Item, ProviderFaultInfo, RateLimit, ResponseInfo, Tokens

ID_LIMIT = 200
TEXT_LIMIT = 100_000
NAME_LIMIT = 200
MESSAGE_LIMIT = 500
TYPE_LIMIT = 100
ITEMS_LIMIT = 128
PARTS_LIMIT = 64
PAIRS_LIMIT = 16
SESSION_VALUES = 2_000
SESSION_DEPTH = 8
LARGEST = 2**53
"""Largest count believed: beyond it a JSON number is no exact integer any more."""
LONGEST = 1_000_000
"""Most seconds believed, of a bill or of a rate limit: eleven days."""

NOTHING: Final[Mapping[str, Any]] = {}

_DATA_URI = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w.=+-]+)*;base64,[A-Za-z0-9+/=_-]*")
_SECRETS = frozenset({"authorization", "headers", "client_secret", "api_key", "access_token", "secret", "password"})
_URL_SECRETS = re.compile(r"(?<=://)[^/?#@]*@|[?#].*", re.DOTALL)
_CONTENT = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "audio": "audio",
    "input_audio": "audio",
    "output_audio": "audio",
    "input_image": "image",
}


class Unreadable(ValueError):
    """A frame lacks what its type needs; the message names the field and never quotes the frame."""


def text(value: object, limit: int = TEXT_LIMIT) -> str | None:
    """Return a string without NUL (PostgreSQL stores none) and without data URIs, cut to `limit`; else
    None.
    """
    if type(value) is not str:
        return None
    if len(value) > limit:
        value = value[:limit]
    if "\0" in value:
        value = value.replace("\0", "")
    if ";base64," in value:
        value = _DATA_URI.sub("[data]", value)
    return value


def word(value: object, limit: int = NAME_LIMIT) -> str:
    return text(value, limit) or ""


def identity(data: Mapping[str, Any], key: str) -> str:
    """Return an id. Raises Unreadable where it is absent, empty or longer than any provider's."""
    value = data.get(key)
    if type(value) is str and 0 < len(value) <= ID_LIMIT:
        value = value.replace("\0", "") if "\0" in value else value
        if value:
            return value
    raise Unreadable(f"no {key}")


def maybe_identity(data: Mapping[str, Any], key: str) -> str | None:
    value = data.get(key)
    if type(value) is str and 0 < len(value) <= ID_LIMIT:
        return value.replace("\0", "") or None
    return None


def count(value: object) -> int | None:
    """Return a whole number between 0 and 2**53; None for anything else (a float with a fraction
    included).
    """
    if type(value) is int or (type(value) is float and value.is_integer()):
        return int(value) if 0 <= value <= LARGEST else None
    return None


def seconds(value: object) -> float | None:
    if isinstance(value, int | float) and type(value) is not bool and 0 <= value <= LONGEST:
        return float(value)
    return None


def mapping(value: object) -> Mapping[str, Any]:
    return value if type(value) is dict else NOTHING


def listed(value: object, limit: int) -> list[Any]:
    return value[:limit] if type(value) is list else []


def item(value: object) -> Item:
    """Return an item as described. Raises Unreadable where it has no id."""
    data = mapping(value)
    return Item(
        id=identity(data, "id"),
        type=word(data.get("type"), TYPE_LIMIT),
        role=text(data.get("role"), TYPE_LIMIT),
        status=text(data.get("status"), TYPE_LIMIT),
        content=tuple([content(part) for part in listed(data.get("content"), PARTS_LIMIT)]),
        name=text(data.get("name"), NAME_LIMIT),
        tool_call_id=text(data.get("call_id"), ID_LIMIT),
        arguments=text(data.get("arguments")),
        output=text(data.get("output")),
        error=_item_error(data.get("error")),
    )


def content(value: object) -> Content:
    data = mapping(value)
    kind = _CONTENT.get(word(data.get("type"), TYPE_LIMIT), "other")
    if kind == "text":
        return Content("text", text(data.get("text")))
    if kind == "audio":
        return Content("audio", text(data.get("transcript")))
    return Content("image" if kind == "image" else "other")


def _item_error(value: object) -> str | None:
    if type(value) is dict:
        return word(value.get("message"), MESSAGE_LIMIT) or word(value.get("type"), MESSAGE_LIMIT) or None
    return text(value, MESSAGE_LIMIT)


def fault(value: object) -> ProviderFaultInfo:
    data = mapping(value)
    return ProviderFaultInfo(
        type=word(data.get("type"), TYPE_LIMIT),
        code=word(data.get("code"), TYPE_LIMIT),
        message=word(data.get("message"), MESSAGE_LIMIT),
        param=word(data.get("param")),
    )


def response(frame: Mapping[str, Any]) -> ResponseInfo:
    """Return the response of a frame. Raises Unreadable where it has no id.

    Out of band is one whose `conversation_id` is there and null; beta gateways and xAI leave the key out of
    ordinary ones. xAI puts the usage beside the response.
    """
    data = mapping(frame.get("response"))
    details = mapping(data.get("status_details"))
    error = details.get("error")
    pairs = listed(list(mapping(data.get("metadata")).items()), PAIRS_LIMIT)
    return ResponseInfo(
        id=identity(data, "id"),
        status=word(data.get("status"), TYPE_LIMIT),
        conversation_id=maybe_identity(data, "conversation_id"),
        out_of_band="conversation_id" in data and data["conversation_id"] is None,
        reason=word(details.get("reason"), TYPE_LIMIT),
        fault=fault(error) if type(error) is dict else None,
        tokens=tokens(data.get("usage")) or tokens(frame.get("usage")),
        items=tuple([item(one) for one in listed(data.get("output"), ITEMS_LIMIT) if _has_id(one)]),
        metadata={word(key): word(value, MESSAGE_LIMIT + 12) for key, value in pairs},
    )


def _has_id(value: object) -> bool:
    return maybe_identity(mapping(value), "id") is not None


def tokens(value: object) -> Tokens | None:
    """Return the counts of a `usage` object of a response or a transcription; None where it counts no
    tokens.
    """
    data = mapping(value)
    total, given, made = (count(data.get(key)) for key in ("total_tokens", "input_tokens", "output_tokens"))
    inward, outward = mapping(data.get("input_token_details")), mapping(data.get("output_token_details"))
    if total is None and given is None and made is None and not inward and not outward:
        return None
    cached = mapping(inward.get("cached_tokens_details"))
    # A transcription's output is always text, so its missing details leave nothing unknown.
    written = made if data.get("type") == "tokens" and not outward else None
    return usage.settle(
        usage.Counts(given, *_modalities(inward)),
        usage.Counts(count(inward.get("cached_tokens")), *_modalities(cached)),
        usage.Counts(made, *_modalities(outward)) if written is None else usage.Counts(made, text=written),
        total,
    )


def _modalities(data: Mapping[str, Any]) -> tuple[int | None, int | None, int | None]:
    return count(data.get("text_tokens")), count(data.get("audio_tokens")), count(data.get("image_tokens"))


def rate_limit(value: object) -> RateLimit:
    data = mapping(value)
    return RateLimit(
        word(data.get("name")),
        count(data.get("limit")),
        count(data.get("remaining")),
        seconds(data.get("reset_seconds")),
    )


def session(value: object) -> Mapping[str, Any]:
    """Return a session for storing: no credentials of MCP servers, no client secret, no inline data,
    bounded.
    """
    left = [SESSION_VALUES]
    cleaned = _clean(value, SESSION_DEPTH, left, in_schema=False)
    return cleaned if isinstance(cleaned, dict) else {}


def _clean(value: object, depth: int, left: list[int], *, in_schema: bool) -> object:
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        return None
    if type(value) is dict:
        # A function's own parameters may well be called "password": that names a field, it holds no secret.
        return {
            word(key): _url(key, _clean(one, depth - 1, left, in_schema=in_schema or key == "parameters"))
            for key, one in value.items()
            if in_schema or key.lower() not in _SECRETS
        }
    if type(value) is list:
        return [_clean(one, depth - 1, left, in_schema=in_schema) for one in value]
    if type(value) is str:
        return text(value)
    if type(value) is int and abs(value) > LARGEST:
        return None
    return value


def _url(key: str, value: object) -> object:
    """Gateways take tokens in the query of an address."""
    return _URL_SECRETS.sub("", value) if isinstance(value, str) and key.endswith("url") else value
