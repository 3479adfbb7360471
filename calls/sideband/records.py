"""Changes as bytes and back: what the spool file holds. Typed by the dataclasses themselves; no code is ever loaded."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from datetime import datetime
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import orjson

from calls.actions.ingest import Batch, CallRef
from calls.domain.changes import Numbered

_KINDS = {kind.__name__: kind for kind in get_args(Numbered)}


def dump(batches: Sequence[Batch]) -> bytes:
    """One line without its end. Raises TypeError or ValueError for what is no text or no number."""
    return orjson.dumps([_record(batch) for batch in batches], default=_plain, option=orjson.OPT_NON_STR_KEYS)


def load(line: bytes) -> list[Batch]:
    """Raises ValueError, TypeError or KeyError for what `dump` did not write, or another version did."""
    return [
        Batch(
            _build(CallRef, record["ref"]),
            [_build(_KINDS[name], body) for name, body in record["changes"]],
            record["columns"],
            record["flush"],
        )
        for record in orjson.loads(line)
    ]


def _record(batch: Batch) -> dict[str, Any]:
    return {
        "ref": asdict(batch.ref),
        "flush": batch.flush,
        "changes": [(type(change).__name__, change) for change in batch.changes],
        "columns": batch.columns,
    }


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _build(kind: Any, value: Any) -> Any:
    """The value of that type, from what JSON kept of it."""
    if value is None:
        return None
    if get_origin(kind) in (Union, UnionType):  # in a change always: something, or None
        kind = next(one for one in get_args(kind) if one is not type(None))
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(_build(one, part) for one, part in zip(kinds, value, strict=True))
    if is_dataclass(kind):
        hints = _hints(kind)  # type: ignore[arg-type]
        return kind(**{name: _build(hints[name], part) for name, part in value.items()})  # type: ignore[operator]
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is UUID or (isinstance(kind, type) and issubclass(kind, enum.Enum)):
        return kind(value)
    return value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    known = {field.name for field in fields(kind)}
    return {name: hint for name, hint in get_type_hints(kind).items() if name in known}
