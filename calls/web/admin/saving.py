"""What the admins' forms share: an action that refuses becomes an error at its field, with the typed text kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django import forms
from django.db import transaction
from django.http import HttpRequest

from calls.exceptions import InvalidInput
from calls.models import AuditEntry
from calls.selectors import audit
from calls.web import problems
from calls.web.admin import audit_words

T = TypeVar("T")


class PlainForm(forms.Form):
    """Labels without a colon, texts with the line ends that the database has, and no browser's own complaints."""

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, value in cleaned.items():
            if isinstance(value, str):
                cleaned[name] = value.replace("\r\n", "\n")
        return cleaned


def attempt(
    request: HttpRequest, form: forms.Form, act: Callable[[], T], fields: Mapping[str, str] | None = None
) -> T | None:
    """What the action gives; None where it refuses, and then the form says why. Nothing of a refused one is kept.

    `fields`: the action's field → the form's, where they differ.
    """
    try:
        with transaction.atomic():
            return act()
    except InvalidInput as error:
        path = error.field
        name = (fields or {}).get(path, path)
        form.add_error(name if name in form.fields else None, problems.sentence(request, error))
        return None


def trace(kind: str, code: object) -> dict[str, Any]:
    """Who changed it last, for the foot of a page; the history is the audit log of the object."""
    entry: AuditEntry | None = audit.last_of(kind, code)
    return {"entry": entry, "did": audit_words.did(entry) if entry else "", "kind": kind, "code": str(code)}
