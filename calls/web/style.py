"""The living style page: every component in every state, for staff. Reads nothing of any tenant."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from calls.exceptions import NotFound
from calls.models import User
from calls.web import contrast, words

SECTIONS = ("tokens", "states", "buttons", "forms", "data", "marks", "messages", "surfaces", "frame")
MARKS = (
    ("circle-alert", "Warning", "warn", "an alert rule, developing"),
    ("octagon-alert", "Act now", "bad", "an alert rule, critical"),
    ("hand", "Approval", "human", "a tool call waits for a person"),
    ("hourglass", "Silence 6 s", "", "nobody speaks"),
    ("circle-dashed", "No news 7 s", "", "the last event is old"),
    ("circle-question-mark", "Not confirmed", "warn", "a command without its proof"),
)
"""Icon, word, tone, when"""
PILLS = (
    ("live", "Live 0.4 s"),
    ("connecting", "Connecting"),
    ("waiting", "Reconnecting, 12 s old"),
    ("closed", "Signed out. Sign in again to go on."),
    ("over", "Finished call"),
)
"""Phases of the connection, as js/pill.js words them"""


class SampleForm(forms.Form):
    """One field of each kind."""

    name = forms.CharField(label="Name", max_length=40, help_text="As callers hear it.")
    model = forms.ChoiceField(label="Model", choices=[("gpt-realtime", "gpt-realtime"), ("mini", "gpt-realtime-mini")])
    speed = forms.DecimalField(label="Speed", required=False, max_value=2, help_text="0.25 to 1.5; empty: 1.")
    instructions = forms.CharField(label="Instructions", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    recorded = forms.BooleanField(label="Record calls", required=False, help_text="Callers are told first.")


@require_safe
def style(request: HttpRequest) -> HttpResponse:
    """Raises NotFound for all but staff, as for an address that does not exist."""
    if not cast(User, request.user).is_staff:
        raise NotFound("style")
    context: dict[str, Any] = {
        "sections": [f"style/{name}.html" for name in SECTIONS],
        "samples": [(scheme, _form(scheme), _mistaken(scheme)) for scheme in contrast.SCHEMES],
        "tokens": contrast.tokens(),
        "faces": words.FACES.values(),
        "command_states": words.COMMAND_STATES.values(),
        "marks": MARKS,
        "pills": PILLS,
        "lines": "export OPENAI_API_KEY=…\nmanage.py provision tenant.json",
    }
    return render(request, "style.html", context)


def _form(scheme: str) -> SampleForm:
    return SampleForm(initial={"name": "Nora, billing"}, auto_id=f"{scheme}_%s", label_suffix="")


def _mistaken(scheme: str) -> SampleForm:
    return SampleForm({"model": "other", "speed": "9"}, auto_id=f"{scheme}_wrong_%s", label_suffix="")
