"""What the frame of a page asks: who may, where a page is in another tenant, what a person prefers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import template
from django.urls import NoReverseMatch, resolve, reverse

from calls.domain.actors import Actor
from calls.domain.roles import Capability
from calls.models import User
from calls.selectors.members import Member

register = template.Library()

TONE_ICONS = {
    "good": "circle-check",
    "success": "circle-check",
    "warn": "circle-alert",
    "warning": "circle-alert",
    "bad": "triangle-alert",
    "error": "triangle-alert",
    "human": "headphones",
}
"""An icon with every tone: no message is told by colour alone"""


@dataclass(frozen=True, slots=True)
class Preference:
    """One row of the user menu: choices are (value, word, chosen)."""

    name: str
    label: str
    choices: list[tuple[str, str, bool]]


@register.filter
def may(actor: Actor, capability: str) -> bool:
    """`{% if member.actor|may:"bill" %}`: an entry that the role lacks is absent."""
    return actor.may(Capability(capability))


@register.filter
def tone_icon(tone: str) -> str:
    return TONE_ICONS.get(tone, "info")


@register.simple_tag(takes_context=True)
def address_in(context: Mapping[str, Any], other: Member, section: str = "") -> str:
    """The page that is open, in another tenant of the user.

    The page of one thing has no counterpart there: then its section. Live where the role there lacks both.
    """
    match = context["request"].resolver_match
    here = match.view_name if match.kwargs.keys() == {"slug"} else ""
    for name in filter(None, (here, section)):
        try:
            found = reverse(name, args=[other.slug])
        except NoReverseMatch:
            continue
        if other.actor.may(getattr(resolve(found).func, "capability", Capability.SEE)):
            return found
    return reverse("live", args=[other.slug])


@register.simple_tag
def preferences_of(user: User) -> list[Preference]:
    letters = "on" if user.letter_keys else "off"
    rows = (
        ("theme", "Theme", [("system", "System"), ("light", "Light"), ("dark", "Dark")], user.theme),
        ("density", "Density", [("comfortable", "Comfortable"), ("compact", "Compact")], user.density),
        ("letter_keys", "Single keys", [("on", "On"), ("off", "Off")], letters),
    )
    return [
        Preference(name, label, [(value, word, value == chosen) for value, word in choices])
        for name, label, choices, chosen in rows
    ]
