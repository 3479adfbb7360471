"""Rows of the exports, one dict each, read through a server-side cursor: memory stays flat. Reads only.

Call inside a tenant_scope and finish there. Times are ISO 8601 in UTC with milliseconds. What does not apply,
or is not known, is None; an empty text is a text without words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, TypeVar

from django.db.models import F, Model, QuerySet, Window
from django.db.models.functions import RowNumber

from calls.domain.periods import Period
from calls.domain.redaction import mask_number
from calls.domain.views import iso
from calls.exceptions import NotFound
from calls.models import Call, Gap, Tenant, TokenUsage, Turn
from calls.selectors import bulk

Row = dict[str, Any]
M = TypeVar("M", bound=Model)
CHUNK = 2_000
"""Rows that are fetched at a time."""

_TOKENS = {
    "input_text_tokens": "input_text",
    "input_audio_tokens": "input_audio",
    "input_image_tokens": "input_image",
    "cached_text_tokens": "cached_text",
    "cached_audio_tokens": "cached_audio",
    "cached_image_tokens": "cached_image",
    "output_text_tokens": "output_text",
    "output_audio_tokens": "output_audio",
}
FIELDS: Mapping[str, tuple[str, ...]] = {
    "calls": (
        "call_id", "state", "end_reason", "from", "to", "agent", "instruction_version",
        "started_at", "answered_at", "ended_at",
    ),
    "transcripts": (
        "call_id", "item_id", "position", "kind", "speaker", "text", "heard_text", "name", "arguments",
        "output", "transcription", "status", "started_at", "ended_at",
    ),
    "usage": ("call_id", "kind", "response_id", "item_id", "model", *_TOKENS, "seconds", "state"),
    "charges": tuple(column.name for column in bulk.COLUMNS["charges"]),
}  # fmt: skip
"""The columns of each export, in their order."""


def tenant_named(slug: str) -> Tenant:
    """For the command line, which is nobody's member. Raises NotFound."""
    try:
        return Tenant.objects.get(slug=slug)
    except Tenant.DoesNotExist:
        raise NotFound(f"there is no tenant {slug!a}") from None


def calls(period: Period, *, reveal: bool) -> Iterator[Row]:
    """Calls by their start. Without `reveal`, numbers are masked."""
    shown: Callable[[str], str] = str if reveal else mask_number
    found = _within(Call.objects.order_by("started_at", "id"), period, "")
    for row in found.values(
        *("call_id", "state", "end_reason", "from_number", "to_number", "agent__name"),
        *("instruction_version__number", "started_at", "answered_at", "ended_at"),
    ).iterator(CHUNK):
        yield {
            "call_id": row["call_id"],
            "state": row["state"],
            "end_reason": row["end_reason"] or None,
            "from": shown(row["from_number"]) if row["from_number"] else None,
            "to": shown(row["to_number"]) if row["to_number"] else None,
            "agent": row["agent__name"],
            "instruction_version": row["instruction_version__number"],
            "started_at": iso(row["started_at"]),
            "answered_at": iso(row["answered_at"]),
            "ended_at": iso(row["ended_at"]),
        }


def transcripts(period: Period) -> Iterator[Row]:
    """Turns in the order of their conversation; `position` counts from 1 in each call, without holes.

    `heard_text` is given where a reply was cut off. A transcription that is still to come is None, like one
    that is not due: the status of the turn tells them apart. In a call that is over one that never came is `missing`.
    """
    place = Window(RowNumber(), partition_by=F("call_id"), order_by=[F("rank").asc(), F("id").asc()])
    found = _within(Turn.objects.order_by("call__started_at", "call", "rank", "id"), period, "call__")
    for row in (
        found.annotate(position=place)
        .values(
            *("call__call_id", "item_id", "position", "kind", "speaker", "text", "heard_text", "name"),
            *("arguments", "output", "transcription", "status", "started_at", "ended_at", "call__ended_at"),
        )
        .iterator(CHUNK)
    ):
        yield {
            "call_id": row["call__call_id"],
            "item_id": row["item_id"],
            "position": row["position"],
            "kind": row["kind"],
            "speaker": row["speaker"],
            "text": row["text"],
            "heard_text": row["heard_text"],
            "name": row["name"] or None,
            "arguments": row["arguments"] if row["kind"] == "tool_call" else None,
            "output": row["output"] if row["kind"] == "tool_output" else None,
            "transcription": _transcription(row["transcription"], over=row["call__ended_at"] is not None),
            "status": row["status"],
            "started_at": iso(row["started_at"]),
            "ended_at": iso(row["ended_at"]),
        }


def _transcription(stored: str | None, *, over: bool) -> str | None:
    """Words that are stored nowhere when the call is over will not come: a worker's death or a full disk took them."""
    return ("missing" if over else None) if stored == "pending" else stored


def usage(period: Period) -> Iterator[Row]:
    """What each response and each transcription used. `incomplete`: the provider's figures are missing."""
    found = _within(TokenUsage.objects.order_by("call__started_at", "call", "at", "id"), period, "call__")
    for row in found.values(
        "call__call_id", "kind", "ref_id", "model", "seconds", "complete", *_TOKENS.values()
    ).iterator(CHUNK):
        yield {
            "call_id": row["call__call_id"],
            "kind": row["kind"],
            "response_id": row["ref_id"] if row["kind"] == "response" else None,
            "item_id": row["ref_id"] if row["kind"] == "transcription" else None,
            "model": row["model"] or None,
            **{name: row[column] for name, column in _TOKENS.items()},
            "seconds": None if row["seconds"] is None else float(row["seconds"]),
            "state": "complete" if row["complete"] else "incomplete",
        }


def charges(period: Period) -> Iterator[Row]:
    """What each bill costs, by the moment of the bill. Amounts are exact, as text; None is "not known"."""
    columns = bulk.COLUMNS["charges"]
    for batch in bulk.batches("charges", period, reveal=False):
        for row in batch:
            yield {
                column.name: None if value is None else _PLAIN.get(column.kind, _as_it_is)(value)
                for column, value in zip(columns, row, strict=True)
            }


def gaps(period: Period) -> Iterator[Row]:
    """Stretches of calls that nobody watched."""
    found = _within(Gap.objects.order_by("call__started_at", "call", "started_at"), period, "call__")
    for row in found.values("call__call_id", "started_at", "ended_at", "cause").iterator(CHUNK):
        yield {
            "call_id": row["call__call_id"],
            "started_at": iso(row["started_at"]),
            "ended_at": iso(row["ended_at"]),
            "cause": row["cause"],
        }


def rows(kind: str, period: Period, *, reveal: bool) -> Iterator[Row]:
    """The rows of an export by its name, a key of FIELDS."""
    if kind == "calls":
        return calls(period, reveal=reveal)
    return {"transcripts": transcripts, "usage": usage, "charges": charges}[kind](period)


def _as_it_is(value: Any) -> Any:
    return value


_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "time": iso,
    "money": lambda amount: f"{amount:f}",
    "seconds": float,
    "day": date.isoformat,
}


def _within(found: QuerySet[M], period: Period, path: str) -> QuerySet[M]:
    if period.since:
        found = found.filter(**{f"{path}started_at__gte": period.since})
    if period.until:
        found = found.filter(**{f"{path}started_at__lt": period.until})
    return found
