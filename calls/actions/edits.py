"""What editing actions share: the tenant in scope, changing only what differs, and nobody's change on top of another
that they have not seen. Audits nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import IntegrityError, models, transaction
from psycopg.errors import UniqueViolation

from calls.exceptions import ChangedMeanwhile, InvalidInput, TenantScopeMissing
from calls.models.base import current_tenant

VALUE_LIMIT = 120
"""Characters of a value, written as JSON, that an audit entry keeps"""


def tenant_in_scope() -> UUID:
    tenant = current_tenant.get()
    if tenant is None:
        raise TenantScopeMissing("this action needs a tenant_scope")
    return tenant


def apply(row: models.Model, **wanted: Any) -> list[str]:
    """Set and save what differs; None means "leave it". Returns the names of the fields that changed."""
    changed = [name for name, value in wanted.items() if value is not None and getattr(row, name) != value]
    for name in changed:
        setattr(row, name, wanted[name])
    if changed:
        row.save(update_fields=changed)
    return changed


def stamp(row: models.Model, fields: Iterable[str]) -> str:
    """Stands for the values of these fields; a form carries it from the page that showed them to the save."""
    shown = {name: _plain(getattr(row, name)) for name in fields}
    return hashlib.sha256(json.dumps(shown, sort_keys=True, default=str).encode()).hexdigest()[:32]


def hold(row: models.Model, fields: Iterable[str], seen: str | None) -> None:
    """Lock the row until the end of the transaction and read it anew.

    Raises ChangedMeanwhile where its fields are not those of the stamp `seen`; without a stamp anything will do.
    """
    fields = list(fields)
    # No lock on the key: calls that refer to the row must not wait for an admin's save.
    row.refresh_from_db(from_queryset=type(row)._default_manager.select_for_update(no_key=True))
    if seen is not None and stamp(row, fields) != seen:
        raise ChangedMeanwhile("somebody else saved a change while you were editing")


def checked(field: str, check: Callable[..., str], value: str, **limits: Any) -> str:
    """The value, if `check` lets it pass; its complaint names the field."""
    try:
        return check(value, **limits)
    except InvalidInput as error:
        raise InvalidInput(error.reason, field) from None


@contextmanager
def once(field: str, reason: str = "is taken") -> Iterator[None]:
    """Whoever comes second at the same moment hears what whoever comes a second later does."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if not isinstance(error.__cause__, UniqueViolation):
            raise
        raise InvalidInput(reason, field) from None


def values_of(row: models.Model, fields: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in fields}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """name → [before, after] of what differs, for an audit entry; a long value is only said to have changed."""
    names = sorted(before.keys() | after.keys())
    return {
        name: [_short(before.get(name)), _short(after.get(name))]
        for name in names
        if before.get(name) != after.get(name)
    }


def _short(value: Any) -> Any:
    return value if len(json.dumps(value, default=str)) <= VALUE_LIMIT else "…"


def _plain(value: Any) -> Any:
    return hashlib.sha256(bytes(value)).hexdigest() if isinstance(value, bytes | memoryview) else value
