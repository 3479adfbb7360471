"""Reads the body of a verified webhook. Pure; never trusts a SIP header for more than display and routing.

Dispatches on the raw `type`: the SDK builds an unrelated class for a type that it does not know. The caller's
own words arrive here (SIP headers are set by whoever dials), so every length is capped, and what PostgreSQL
cannot store (NUL, lone surrogates, infinite numbers) is removed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from calls.exceptions import WebhookRejected

INCOMING = "realtime.call.incoming"
NUMBER_LIMIT = 120
"""Characters of a number, as the call's columns have them"""

_ID_LIMIT = 128
_CALL_ID_LIMIT = 200
_TYPE_LIMIT = 80
_HEADER_NAME_LIMIT = 100
_HEADER_LIMIT = 1_000
_HEADERS_LIMIT = 100
_DEPTH_LIMIT = 32
_CLOCK_LEAD_SECONDS = 300
_EARLIEST = 1_000_000_000
"""September 2001: a smaller `created_at` is no time"""

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SHORTEST_ABROAD = 8
"""Digits after which a leading `00` is the international prefix and not a short code"""
_SCHEME = re.compile(r"\s*(?:sips?|tel):", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s().\-/]")
_DIALLED = re.compile(r"\+?[0-9*#]{2,}")
_NOBODY = frozenset({"anonymous", "restricted", "unavailable", "unknown", "private", "withheld"})
_SECRET_HEADER = re.compile(r"auth|cookie|token|secret|passw|api-?key|^identity$", re.IGNORECASE)
"""`Identity` is a signed token (RFC 8224)"""


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """A phone call that waits to be accepted."""

    call_id: str
    event_id: str
    created_at: datetime
    """The event's own time. Absent or absurd: the time of the delivery attempt, since turning a caller away
    for a missing number is worse than an accept that answers 404"""
    attempted_at: datetime
    """When this delivery of it was sent, by the sender's clock as well: what lies between is how late it comes,
    whatever our own clocks say"""
    from_number: str
    """`+14255550123`, another user part, or empty for an anonymous caller. Claimed by the caller, never
    proven"""
    to_number: str
    sip_headers: tuple[tuple[str, str], ...] = field(repr=False)
    media_security: str
    """srtp, rtp, or empty where the provider did not say"""
    body: Mapping[str, Any] = field(repr=False)
    """The event as it may be stored: cleaned, without SIP headers that carry credentials"""
    type: str = INCOMING


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """Any other event: recorded, and ignored."""

    type: str
    event_id: str
    created_at: datetime
    body: Mapping[str, Any] = field(repr=False)


def parse(body: bytes, attempted_at: float) -> IncomingCall | OtherEvent:
    """Read a verified body; `attempted_at` is the webhook's timestamp in Unix seconds.

    Raises WebhookRejected for what is no event, or an incoming call without a call id.
    """
    event = _event(body)
    kind = event.get("type")
    if not isinstance(kind, str) or not kind:
        raise WebhookRejected("the event has no type")
    created_at = _moment(event.get("created_at"), attempted_at)
    event_id = _text(event.get("id"), _ID_LIMIT)
    if kind != INCOMING:
        return OtherEvent(kind[:_TYPE_LIMIT], event_id, created_at, event)
    data = event.get("data")
    data = data if isinstance(data, dict) else {}
    call_id = data.get("call_id")
    if not isinstance(call_id, str) or not 0 < len(call_id) <= _CALL_ID_LIMIT:
        raise WebhookRejected("the incoming call has no usable call_id")
    headers = _headers(data.get("sip_headers"))
    kept = [{"name": name, "value": value} for name, value in headers]
    return IncomingCall(
        call_id=call_id,
        event_id=event_id,
        created_at=created_at,
        attempted_at=datetime.fromtimestamp(attempted_at, UTC),
        from_number=_first_number(headers, {"from", "f"}),  # f and t: the compact forms of RFC 3261
        to_number=_first_number(headers, {"to", "t"}),
        sip_headers=headers,
        media_security=_text(data.get("sip_media_security"), 20),
        body={**event, "data": {**data, "sip_headers": kept}},
    )


def number(address: str) -> str:
    """The number of a SIP or tel address, or of anything written like a number; empty for an anonymous
    caller.

    Takes display names, angle brackets, tags, user parameters and visual separators. `00` becomes `+`: no
    national number begins with it. A user part that is no number comes back as it is.
    """
    unnamed = _QUOTED.sub("", address)  # a display name may hold anything, also `<sip:…>`
    opened = unnamed.rfind("<")
    inner = unnamed[opened + 1 :].split(">", 1)[0] if opened >= 0 else unnamed
    user = _SCHEME.sub("", inner, count=1).split("@", 1)[0].split(";", 1)[0].split(":", 1)[0]
    user = _storable(unquote(user)).strip()
    if user.lower() in _NOBODY:
        return ""
    dialled = _SEPARATORS.sub("", user)
    if not _DIALLED.fullmatch(dialled):
        return user[:NUMBER_LIMIT]
    if dialled.startswith("00") and len(dialled) > _SHORTEST_ABROAD:
        dialled = "+" + dialled[2:]
    return dialled[:NUMBER_LIMIT]


def route_for(dialled: str, patterns: Sequence[str]) -> int | None:
    """Index of the pattern that wins for the dialled number: exact, then the longest prefix, then `*`; None
    for none.

    Compared as normalised digits: `+1 (425) 555-0123`, `14255550123` and `0014255550123` are the same number,
    because trunks disagree about the plus sign.
    """
    wanted = number(dialled).removeprefix("+").lower()
    best: tuple[int, int] | None = None
    for index, pattern in enumerate(patterns):
        prefix = number(pattern.strip().removesuffix("*")).removeprefix("+").lower()
        if pattern.strip().endswith("*"):
            rank = len(prefix) if wanted.startswith(prefix) else None
        else:
            rank = NUMBER_LIMIT + 1 if wanted and wanted == prefix else None
        if rank is not None and (best is None or rank > best[0]):
            best = (rank, index)
    return None if best is None else best[1]


def same_pattern(pattern: str, others: Sequence[str]) -> str | None:
    """The first of the others that leads the same numbers, however it is written."""
    return next((other for other in others if _shape(other) == _shape(pattern)), None)


def overlaps(patterns: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """For each pattern the others inside of it, which win over it, and those around it, over which it wins."""
    shapes = [(pattern, *_shape(pattern)) for pattern in patterns]
    found = []
    for pattern, digits, open_end in shapes:
        inside, around = [], []
        for other, theirs, theirs_open in shapes:
            if other == pattern:
                continue
            if open_end and theirs.startswith(digits):
                inside.append(other)
            elif theirs_open and digits.startswith(theirs):
                around.append(other)
        found.append((inside, around))
    return found


def _shape(pattern: str) -> tuple[str, bool]:
    """Digits, and whether more may follow."""
    pattern = pattern.strip()
    return number(pattern.removesuffix("*")).removeprefix("+").lower(), pattern.endswith("*")


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body, parse_constant=lambda _: None)
        cleaned = _clean(event, _DEPTH_LIMIT)
    except (ValueError, RecursionError):  # not UTF-8, not JSON, or nested beyond all reason
        raise WebhookRejected("the body is no JSON event") from None
    if not isinstance(cleaned, dict):
        raise WebhookRejected("the body is no JSON object")
    return cleaned


def _clean(value: object, depth: int) -> object:
    """A copy that PostgreSQL's jsonb takes. Raises ValueError beyond the depth limit."""
    if depth < 0:
        raise ValueError("too deep")
    if isinstance(value, str):
        return _storable(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_clean(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {_storable(str(key)): _clean(item, depth - 1) for key, item in value.items()}
    return value


def _storable(text: str) -> str:
    """Without NULs, which PostgreSQL refuses, and lone surrogates, which no encoder takes."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _text(value: object, limit: int) -> str:
    return value[:limit] if isinstance(value, str) else ""


def _moment(value: object, attempted_at: float) -> datetime:
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    if usable and _EARLIEST <= value <= attempted_at + _CLOCK_LEAD_SECONDS:  # type: ignore[operator]
        return datetime.fromtimestamp(float(value), UTC)  # type: ignore[arg-type]
    return datetime.fromtimestamp(attempted_at, UTC)


def _headers(found: object) -> tuple[tuple[str, str], ...]:
    """(name, value) in the order received, duplicates kept; credentials and malformed entries left out."""
    entries = found if isinstance(found, list) else []
    pairs = (
        (_text(entry.get("name"), _HEADER_NAME_LIMIT), _text(entry.get("value"), _HEADER_LIMIT))
        for entry in entries[:_HEADERS_LIMIT]
        if isinstance(entry, dict)
    )
    return tuple((name, value) for name, value in pairs if name and not _SECRET_HEADER.search(name))


def _first_number(headers: Sequence[tuple[str, str]], names: set[str]) -> str:
    """Of duplicate headers the first that names anybody."""
    found = (number(value) for name, value in headers if name.strip().lower() in names)
    return next((value for value in found if value), "")
